import { expect, test } from 'vitest';
import { eventually } from '../../pipeline/replication.ts';
import { Polled } from './polling.ts';

const SALES = /* sql */ `
  create table sales (id int primary key, customer int, amount numeric(10, 2), at timestamptz default clock_timestamp());
  insert into sales select i, i % 7, i * 1.1 from generate_series(1, 200) i;
  create view large as select id, amount, at from sales where amount > 10;
  create view totals as select customer, sum(amount) as total from sales group by customer`;

async function rows(polled: Polled, table: string, source = table): Promise<void> {
  const sql = (from: string): string => `select array_agg(r::text order by r::text)::text as rows from ${from} r`;
  await eventually(async () => {
    const [mine] = await polled.source.query<{ rows: string }>(sql(source));
    const [theirs] = await polled.target
      .query<{ rows: string }>(sql(`public.${table}`))
      .catch(() => [{ rows: 'nothing' }]);
    return mine?.rows === theirs?.rows;
  }, `${table} to be equal`);
}

test('reads a view by its timestamp, with declared key columns', async () => {
  await using polled = await Polled.open(SALES, {
    mode: 'timestamp',
    timestampColumns: ['at'],
    timestampDelayMs: 10,
    tableInclude: ['public.large'],
    keyColumns: [{ tables: 'public\\.large', columns: ['id'] }],
  });
  polled.replication.startSource();
  polled.replication.startSink();
  await rows(polled, 'large');
  await polled.source.query('insert into sales values (201, 1, 500)');
  await rows(polled, 'large');
});

test('reads a view by a column that grows', async () => {
  await using polled = await Polled.open(SALES, {
    mode: 'incrementing',
    incrementingColumn: 'id',
    tableInclude: ['public.large'],
    keyColumns: [{ tables: 'public.large', columns: ['id'] }],
    deletes: 'keys',
  });
  polled.replication.startSource();
  polled.replication.startSink();
  await rows(polled, 'large');
  await polled.source.query('insert into sales values (201, 1, 500); insert into sales values (202, 1, 500)');
  await rows(polled, 'large');
  await polled.source.query('delete from sales where id = 150');
  await rows(polled, 'large');
});

test('replaces what a view shows', async () => {
  await using polled = await Polled.open(SALES, { mode: 'bulk', tableInclude: ['public.totals'] });
  polled.replication.startSource();
  polled.replication.startSink();
  await rows(polled, 'totals');
  await polled.source.query('delete from sales where customer = 3');
  await rows(polled, 'totals');
});

test('captures the rows of a query, and warns that it does as well as it can', async () => {
  const sql = 'select id, customer, at, amount * 2 as twice from public.sales -- all of them';
  await using polled = await Polled.open(SALES, {
    mode: 'timestamp+incrementing',
    incrementingColumn: 'id',
    timestampColumns: ['at'],
    query: { sql, schema: 'public', name: 'doubled', key: ['id'] },
  });
  polled.replication.startSource();
  polled.replication.startSink();
  await rows(polled, 'doubled', `(${sql}\n)`);
  await polled.source.query('update sales set amount = 1, at = clock_timestamp() where id = 5');
  await polled.source.query('insert into sales (id, amount, at) values (900, 1, null)');
  await rows(polled, 'doubled', `(${sql}\n)`);
  expect(polled.replication.warnings.join()).toContain('as well as can be');
});

test('refuses to read a view by transaction ids', async () => {
  await using polled = await Polled.open(SALES, {
    tableInclude: ['public.large'],
    keyColumns: [{ tables: 'public.large', columns: ['id'] }],
  });
  const source = polled.replication.startSource();
  await eventually(() => source.failure !== undefined, 'the source to stop');
  expect(String(source.failure)).toContain('public.large is no table');
  polled.replication.resume(source);
});
