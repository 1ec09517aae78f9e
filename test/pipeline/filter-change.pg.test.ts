import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { OperatorError } from '../../src/errors.ts';
import { resetSource } from '../../src/pipeline/reset.ts';
import { forgetProgress } from '../../src/sink/postgres/stored-progress.ts';
import { systemClock } from '../../src/worker/system-clock.ts';
import { freshDatabase } from '../support/postgres.ts';
import { eventually, Replication, type Running } from './replication.ts';

const SIGNAL: AbortSignal = new AbortController().signal;

/** Tables a and b with three rows each, whose replica has a only, and one more row each that came later. */
async function replicaOfA() {
  const source = await freshDatabase('shop');
  const target = await freshDatabase('replica');
  await source.query(/* sql */ `create table a (id int primary key, v text); create table b (id int primary key, v text);
    insert into a select i, 'first' from generate_series(1, 3) i; insert into b select i, 'first' from generate_series(1, 3) i`);
  const options: { tables?: readonly string[] } = { tables: ['a'] };
  const settings = { source: source.settings, target: target.settings };
  const replication = await Replication.open(Object.assign(options, settings));
  const running = { source: replication.startSource(), sink: replication.startSink() };
  await replication.settled();
  await source.query(/* sql */ `insert into a values (4, 'later'); insert into b values (4, 'later')`);
  await replication.settled();
  await running.sink.stop();
  return {
    source,
    target,
    replication,
    running,
    /** Starts the sink with these tables; all without. */
    startSink(tables?: readonly string[]): Running {
      if (tables === undefined) delete options.tables;
      else options.tables = tables;
      return replication.startSink();
    },
    countB: async () => {
      const [found] = await target.query<{ there: boolean }>(`select to_regclass('public.b') is not null as there`);
      return found?.there ? (await target.query('select from public.b')).length : undefined;
    },
    async [Symbol.asyncDispose]() {
      await replication[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}

async function refusalOf(running: Running): Promise<OperatorError> {
  await running.ended;
  expect(running.failure).toBeInstanceOf(OperatorError);
  return running.failure as OperatorError;
}

test('a sink whose topics take in a table that was passed over is refused, and goes on without it', async () => {
  await using world = await replicaOfA();
  const { source, replication } = world;
  for (const tables of [undefined, ['a', 'b']]) {
    const refused = await refusalOf(world.startSink(tables));
    expect(refused.message).toBe(
      'Topics of connector "replica" now take in shop.public.b, whose earlier rows were not replayed',
    );
    expect(refused.advice).toContain('rowcast offsets reset replica');
  }
  await source.query(/* sql */ `insert into a values (5, 'while refused'); insert into b values (5, 'while refused')`);
  world.running.sink = world.startSink(['a']);
  await replicationReaches(world, 5);
  expect(await replication.expectEqual('a')).toBe(5);
  expect(await world.countB()).toBeUndefined();
});

test('a sink that is narrowed and widened again is refused, because it passed over changes meanwhile', async () => {
  await using world = await replicaOfA();
  const { source, target } = world;
  await forgetProgress(target.client, { name: 'replica', prefix: 'shop' });
  const all = world.startSink();
  await eventually(async () => (await world.countB()) === 4, 'the rows of b');
  await all.stop();
  const narrow = world.startSink(['a']);
  await source.query(/* sql */ `insert into b values (6, 'passed over'); insert into a values (6, 'seen')`);
  await replicationReaches(world, 5);
  await narrow.stop();
  expect((await refusalOf(world.startSink())).message).toContain('shop.public.b');
  expect(await world.countB()).toBe(4);
});

test('a sink whose topics take in a table that is new goes on, and has all of it', async () => {
  await using world = await replicaOfA();
  const { source, replication } = world;
  await source.query(/* sql */ `create table c (id int primary key)`);
  await world.running.source.stop();
  replication.startSource(); // the publication takes it in while it is empty
  await eventually(
    async () => (await source.query(`select from pg_publication_tables where tablename = 'c'`)).length === 1,
    'the publication of c',
  );
  await source.query(/* sql */ `insert into c select generate_series(1, 7)`);
  world.startSink(['a', 'c']);
  await replication.settled();
  expect(await replication.expectEqual('a', 'c')).toBe(11);
});

test('a sink that is reset after its topics were widened replays everything', async () => {
  await using world = await replicaOfA();
  await refusalOf(world.startSink());
  await forgetProgress(world.target.client, { name: 'replica', prefix: 'shop' });
  world.startSink();
  await eventually(async () => (await world.countB()) === 4, 'the rows of b');
  expect(await world.replication.expectEqual('a', 'b')).toBe(8);
});

test('a sink with widened topics goes on with the old ones until the copy of a source that was reset', async () => {
  await using world = await replicaOfA();
  const { source, replication, running } = world;
  await refusalOf(world.startSink());
  await running.source.stop();
  // Before the copy these change rows of b that the replica does not have.
  await source.query(/* sql */ `insert into a values (8, 'before')`);
  const reading = replication.startSource();
  await source.query(/* sql */ `update b set v = 'changed'; insert into b values (9, 'before')`);
  const { checkpoints } = replication.sourceProgress;
  await eventually(() => replication.sourceProgress.checkpoints > checkpoints, 'a checkpoint');
  await reading.stop();
  const tools = { log: replication.log, clock: systemClock, random: randomUUID, prefix: 'shop' };
  await resetSource(tools, `slot_${source.settings.database}`, SIGNAL);
  replication.startSource();
  await eventually(() => replication.sourceProgress.state === 'streaming', 'the copy');
  world.startSink();
  await eventually(async () => (await world.countB()) === 5, 'the rows of b');
  await source.query(/* sql */ `insert into b values (10, 'after')`);
  await eventually(async () => (await world.countB()) === 6, 'the next row of b');
  expect(await replication.expectEqual('a', 'b')).toBe(11);
});

async function replicationReaches(world: Awaited<ReturnType<typeof replicaOfA>>, rows: number): Promise<void> {
  await eventually(async () => (await world.target.query('select from public.a')).length === rows, `${rows} rows of a`);
}
