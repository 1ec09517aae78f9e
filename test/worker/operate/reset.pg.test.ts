import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { resetSource } from '../../../src/pipeline/reset.ts';
import { systemClock } from '../../../src/worker/system-clock.ts';
import { eventually } from '../../pipeline/replication.ts';
import { operated } from './operated.ts';

const DROP_SLOT = { dropSlot: true, dropPublication: false, dropProgress: false };
const TABLES = /* sql */ `
  create table t (id int primary key, v text); create table gone (id int primary key);
  insert into t select i, 'first' from generate_series(1, 50) i; insert into gone values (1), (2);`;

test('a source that is reset copies again into a replica that keeps no ghost, though the sink is behind', async () => {
  await using world = await operated(TABLES);
  const { source, target, replication, ask } = world;
  const sourceTask = replication.startSource();
  const sinkTask = replication.startSink();
  await replication.settled();
  await sinkTask.stop();
  await source.query(/* sql */ `update t set v = 'behind' where id < 10; insert into gone values (3)`);
  const before = replication.sourceProgress.checkpoints;
  await eventually(() => replication.sourceProgress.checkpoints > before, 'a checkpoint');
  await sourceTask.stop();
  const answer = await ask({ kind: 'reset', connector: 'shop' });
  expect(answer.lines.join('\n')).toContain('the next start copies every captured table again');
  expect(await source.query(`select from pg_replication_slots where database = current_database()`)).toEqual([]);
  // Nobody streams these: without a second copy they would be ghosts, or missing.
  await source.query(/* sql */ `delete from t where id > 40; insert into t values (99, 'new'); truncate gone`);

  replication.startSource();
  replication.startSink();
  await replication.settled();
  await source.query(/* sql */ `update t set v = 'streamed' where id = 99; insert into gone values (7)`);
  await replication.settled();
  expect(await replication.expectEqual('t', 'gone')).toBe(42);
  expect(await target.query('select v from public.t where id = 99')).toEqual([{ v: 'streamed' }]);
});

test('a second reset, and one before the first start, change nothing', async () => {
  await using world = await operated(TABLES);
  const { replication, ask } = world;
  expect((await ask({ kind: 'reset', connector: 'shop' })).value).toMatchObject({ kind: 'empty' });
  const task = replication.startSource();
  replication.startSink();
  await replication.settled();
  await task.stop();
  expect((await ask({ kind: 'reset', connector: 'shop' })).value).toMatchObject({ kind: 'reset' });
  const { end } = await replication.log.bounds('shop.checkpoints', 0, AbortSignal.timeout(5_000));
  expect((await ask({ kind: 'reset', connector: 'shop' })).value).toMatchObject({ kind: 'copying' });
  expect((await replication.log.bounds('shop.checkpoints', 0, AbortSignal.timeout(5_000))).end).toBe(end);
  replication.startSource();
  await replication.settled();
  expect(await replication.expectEqual('t', 'gone')).toBe(52);
});

test('a source that runs is not reset; where it is all the same, it is fenced and copies again', async () => {
  await using world = await operated(TABLES);
  const { source, replication, ask } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await expect(ask({ kind: 'reset', connector: 'shop' })).rejects.toThrow('Another process runs connector "shop"');
  await expect(ask({ kind: 'delete', connector: 'shop', ...DROP_SLOT })).rejects.toThrow('Another process runs');
  // As if the lock had been lost in the middle.
  const tools = { log: replication.log, clock: systemClock, random: randomUUID, prefix: 'shop' };
  await resetSource(tools, `slot_${source.settings.database}`, AbortSignal.timeout(5_000));
  await source.query(/* sql */ `insert into t values (77, 'meanwhile')`);
  await source.query(/* sql */ `insert into t values (78, 'later')`);
  await replication.settled();
  await replication.expectEqual('t', 'gone');
});

test('a sink that is reset replays the log from its beginning, resets of the source included', async () => {
  await using world = await operated(TABLES);
  const { source, target, replication, ask } = world;
  let sourceTask = replication.startSource();
  let sinkTask = replication.startSink();
  await replication.settled();
  await source.query(/* sql */ `update t set v = 'second' where id % 2 = 0; delete from gone where id = 1`);
  await replication.settled();
  await sourceTask.stop();
  await ask({ kind: 'reset', connector: 'shop' });
  await source.query(/* sql */ `delete from t where id = 50`);
  sourceTask = replication.startSource();
  await replication.settled();
  await sinkTask.stop();
  await target.query(/* sql */ `delete from public.t where id < 20; update public.t set v = 'spoilt'`);
  expect((await ask({ kind: 'reset', connector: 'replica' })).value).toMatchObject({ kind: 'reset' });
  expect((await ask({ kind: 'reset', connector: 'replica' })).value).toMatchObject({ kind: 'empty' });
  sinkTask = replication.startSink();
  await source.query(/* sql */ `insert into t values (51, 'last')`);
  await replication.settled();
  await eventually(async () => (await target.query('select from public.t where id = 51')).length === 1, 'the last row');
  expect(await replication.expectEqual('t', 'gone')).toBe(51);
});

test('a sink whose log has forgotten its beginning is not reset', async () => {
  await using world = await operated(TABLES);
  const { target, replication, ask } = world;
  replication.startSource();
  const sinkTask = replication.startSink();
  await replication.settled();
  await sinkTask.stop();
  await replication.log.trim('shop.public.t', 0, 10, AbortSignal.timeout(5_000));
  await expect(ask({ kind: 'reset', connector: 'replica' })).rejects.toThrow(
    'cannot be replayed from its beginning: topic shop.public.t begins at offset 10, 0 is needed',
  );
  expect(await target.query('select from rowcast.progress where checkpoint_offset is not null')).toHaveLength(1);
});
