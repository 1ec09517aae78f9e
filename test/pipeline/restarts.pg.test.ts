import { expect, test } from 'vitest';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { connect } from '../../src/postgres/connect.ts';
import { freshDatabase, servers } from '../support/postgres.ts';
import { eventually, Replication } from './replication.ts';

/** Two servers of their own, because they are stopped. */
async function twoServers(kind: (typeof servers)[number]) {
  const source = await kind.start();
  const target = await kind.start();
  const databases = { source: await source.createDatabase('shop'), target: await target.createDatabase('shop') };
  const replication = await Replication.open(databases);
  const onSource = async (sql: string): Promise<void> => await run(databases.source, sql);
  return {
    source,
    target,
    replication,
    onSource,
    async [Symbol.asyncDispose]() {
      await replication[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}

async function run(database: ConnectionSettings, sql: string): Promise<void> {
  const client = await connect(database, 'rowcast test');
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

const busy = (round: number): string => /* sql */ `
  insert into public.t select g, 'round ${round}' from generate_series(${round * 1000}, ${round * 1000 + 99}) g;
  update public.t set v = v || '.' where id % 3 = 0; delete from public.t where id % 7 = ${round};`;

for (const kind of servers) {
  test(`${kind.name}: a source that crashes sends transactions again, and none is applied twice`, async () => {
    await using world = await twoServers(kind);
    const { source, replication, onSource } = world;
    await onSource(
      /* sql */ `create table public.t (id int primary key, v text); create table public.log (n int); alter table public.log replica identity full`,
    );
    replication.startSource();
    replication.startSink();
    await replication.settled();
    for (let round = 1; round <= 3; round++) {
      // Rows without key: one that is applied twice is there twice.
      for (let i = 0; i < 5; i++)
        await onSource(`${busy(round * 10 + i)} insert into public.log values (${round * 10 + i})`);
      await source.stop('immediate');
      await source.start();
    }
    await onSource(busy(99));
    await replication.settled();
    await replication.expectEqual('t', 'log');
  });

  test(`${kind.name}: a replica that crashes is gone on with`, async () => {
    await using world = await twoServers(kind);
    const { target, replication, onSource } = world;
    await onSource(
      /* sql */ `create table public.t (id int primary key, v text); create table public.log (n int); alter table public.log replica identity full`,
    );
    replication.startSource();
    replication.startSink();
    await replication.settled();
    for (let round = 1; round <= 3; round++) {
      await onSource(`${busy(round)} insert into public.log values (${round})`);
      await target.stop('immediate');
      await onSource(`${busy(round + 20)} insert into public.log values (${round + 20})`);
      await target.start();
    }
    await replication.settled();
    await replication.expectEqual('t', 'log');
  });

  test(`${kind.name}: a fast shutdown of the source ends while it is being read, and everything had arrived`, async () => {
    await using world = await twoServers(kind);
    const { source, replication, onSource } = world;
    await onSource(/* sql */ `create table public.t (id int primary key, v text)`);
    const reading = replication.startSource();
    replication.startSink();
    await replication.settled();
    await onSource(busy(1));
    await source.stop('fast'); // hangs, and fails after a minute, when the walsender is never told what it waits for
    await source.start();
    await onSource(busy(2));
    await replication.settled();
    expect(await replication.expectEqual('t')).toBeGreaterThan(100);
    expect(reading.failure).toBeUndefined();
  });

  test(`${kind.name}: what was prepared before a crash of the source arrives once it is committed, and only then`, async () => {
    await using source = await kind.start({ max_prepared_transactions: '5' });
    await using target = await freshDatabase('prepared');
    const settings = await source.createDatabase('shop');
    await using replication = await Replication.open({ source: settings, target: target.settings });
    const onSource = async (sql: string): Promise<void> => await run(settings, sql);
    await onSource(
      /* sql */ `create table public.t (id int primary key, v text); create table public.log (n int); alter table public.log replica identity full`,
    );
    // One that the copy and its slot have to wait for.
    await onSource(/* sql */ `begin; insert into public.log values (0); prepare transaction 'before the copy'`);
    replication.startSource();
    replication.startSink();
    await eventually(() => replication.sourceProgress.stage.name === 'creating the slot', 'the slot to be asked for');
    await onSource(/* sql */ `commit prepared 'before the copy'`);
    await replication.settled();
    await onSource(busy(1));
    await onSource(
      /* sql */ `begin; insert into public.log values (1), (1); update public.t set v = 'two' where id = 1001; prepare transaction 'kept'`,
    );
    await onSource(
      /* sql */ `begin; insert into public.log values (2); delete from public.t where id > 1050; prepare transaction 'given up'`,
    );
    await onSource(/* sql */ `insert into public.log values (3)`);
    await replication.settled();
    await source.stop('immediate');
    await source.start();
    await onSource(/* sql */ `insert into public.log values (4)`);
    await replication.settled();
    expect(await replication.expectEqual('log')).toBe(3);
    await onSource(/* sql */ `commit prepared 'kept'`);
    await source.stop('immediate');
    await source.start();
    await onSource(/* sql */ `rollback prepared 'given up'`);
    await replication.settled();
    expect(await replication.expectEqual('log')).toBe(5);
    expect(await replication.expectEqual('t')).toBe(100 - 14);
  });
}
