import type pg from 'pg';
import { expect, test } from 'vitest';
import { OperatorError } from '../../src/errors.ts';
import { connect } from '../../src/postgres/connect.ts';
import { servers } from '../support/postgres.ts';
import { Replication, type Running } from './replication.ts';

/** Replicates table t until `harm` was done to its publication, and returns what the source that it names ended with. */
async function failureAfter(
  kind: (typeof servers)[number],
  harm: (client: pg.Client, replication: Replication, reading: Running) => Promise<Running>,
): Promise<unknown> {
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
    const ending = await harm(client, replication, reading);
    await ending.ended;
    return ending.failure;
  } finally {
    await client.end();
  }
}

for (const kind of servers) {
  test(`${kind.name}: a publication that was dropped and created again, with changes in between, stops the source`, async () => {
    const failure = await failureAfter(kind, async (client, replication, reading) => {
      await reading.stop();
      await client.query(/* sql */ `drop publication pub_shop`);
      await client.query(/* sql */ `insert into public.t values (1)`);
      await client.query(/* sql */ `create publication pub_shop for table only public.t`);
      await client.query(/* sql */ `insert into public.t values (2)`);
      return replication.startSource();
    });
    expect(failure).toBeInstanceOf(OperatorError);
    expect((failure as OperatorError).message).toContain('pub_shop');
    expect((failure as OperatorError).advice).toBeDefined();
  });

  test(`${kind.name}: a publication that is dropped while it is read stops the source`, async () => {
    const failure = await failureAfter(kind, async (client, _replication, reading) => {
      await client.query(/* sql */ `drop publication pub_shop; insert into public.t values (1)`);
      return reading; // ends at once where Postgres says so, else when the publication is next looked at
    });
    expect(failure).toBeInstanceOf(OperatorError);
  });
}
