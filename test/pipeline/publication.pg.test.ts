import { expect, test } from 'vitest';
import { OperatorError } from '../../src/errors.ts';
import { connect } from '../../src/postgres/connect.ts';
import { servers } from '../support/postgres.ts';
import { Replication } from './replication.ts';

for (const kind of servers) {
  test(`${kind.name}: a publication that was dropped and created again, with changes in between, stops the source`, async () => {
    await using source = await kind.start();
    await using target = await kind.start();
    const databases = { source: await source.createDatabase('shop'), target: await target.createDatabase('shop') };
    await using replication = await Replication.open(databases);
    const client = await connect(databases.source, 'rowcast test');
    try {
      await client.query(/* sql */ `create table public.t (id int primary key)`);
      const first = replication.startSource();
      replication.startSink();
      await replication.settled();
      await first.stop();
      await client.query(/* sql */ `drop publication pub_shop`);
      await client.query(/* sql */ `insert into public.t values (1)`);
      await client.query(/* sql */ `create publication pub_shop for table only public.t`);
      await client.query(/* sql */ `insert into public.t values (2)`);
      const second = replication.startSource();
      await second.ended;
      expect(second.failure).toBeInstanceOf(OperatorError);
      expect((second.failure as OperatorError).message).toContain('pub_shop');
      expect((second.failure as OperatorError).advice).toBeDefined();
    } finally {
      await client.end();
    }
  });

  test(`${kind.name}: a publication that is dropped while it is read stops the source`, async () => {
    await using source = await kind.start();
    await using target = await kind.start();
    const databases = { source: await source.createDatabase('shop'), target: await target.createDatabase('shop') };
    await using replication = await Replication.open(databases);
    const client = await connect(databases.source, 'rowcast test');
    try {
      await client.query(/* sql */ `create table public.t (id int primary key)`);
      const reading = replication.startSource();
      replication.startSink();
      await replication.settled();
      await client.query(/* sql */ `drop publication pub_shop; insert into public.t values (1)`);
      await reading.ended; // at once where Postgres says so, else when it is next looked at
      expect(reading.failure).toBeInstanceOf(OperatorError);
    } finally {
      await client.end();
    }
  });
}
