import { expect, test } from 'vitest';
import { SHOP_ROWS, SHOP_SCHEMA, SHOP_TABLES, WRITERS } from '../../../src/cli/demo/shop-schema.ts';
import { Shopkeeper } from '../../../src/cli/demo/shopkeeper.ts';
import { connect } from '../../../src/postgres/connect.ts';
import { freshDatabase } from '../../support/postgres.ts';

test('a busy shop makes every kind of change and none of its transactions fails', async () => {
  await using shop = await freshDatabase('shop');
  await shop.query(SHOP_SCHEMA);
  await shop.query(SHOP_ROWS);
  const keepers = Array.from({ length: WRITERS }, async (_, writer) => {
    const client = await connect(shop.settings, 'rowcast test');
    try {
      const keeper = new Shopkeeper(client, writer);
      for (let i = 0; i < 250; i++) await keeper.act();
    } finally {
      await client.end();
    }
  });
  await Promise.all(keepers);
  const tables = await shop.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public'`,
  );
  expect(tables.map(({ name }) => name).sort()).toEqual([...SHOP_TABLES].sort());
  const [made] = await shop.query<Record<string, boolean>>(`select
    exists (select from products where sku like 'R-%') as renamed,
    exists (select from order_items where sku like 'R-%') as cascaded,
    exists (select from addresses where label <> 'home') as relabelled,
    (select count(*) from orders where id <= 3000) < 3000 as cancelled,
    exists (select from orders where id > 3000) as placed,
    (select min(pg_column_toast_chunk_id(description)) from products) is not null as toasted`);
  expect(made).toEqual({
    renamed: true,
    cascaded: true,
    relabelled: true,
    cancelled: true,
    placed: true,
    toasted: true,
  });
});
