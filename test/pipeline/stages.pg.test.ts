import { expect, test } from 'vitest';
import { lagMs } from '../../src/pipeline/lag.ts';
import { freshDatabase } from '../support/postgres.ts';
import { eventually, Replication } from './replication.ts';

test('loops say what they are at: held up by a lock, or waiting for somebody to write', async () => {
  await using source = await freshDatabase('source');
  await using target = await freshDatabase('target');
  await source.query(/* sql */ `create table t (id int primary key, v text); insert into t values (1, 'a')`);
  await using replication = await Replication.open({ source: source.settings, target: target.settings });
  const { sourceProgress, sinkProgress } = replication;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await eventually(() => sourceProgress.stage.isWaiting && sinkProgress.stage.isWaiting, 'idle loops');
  expect([sourceProgress.stage.name, sinkProgress.stage.name]).toEqual([
    'waiting for changes',
    'waiting for checkpoints',
  ]);

  await target.query(/* sql */ `begin; lock table public.t in access exclusive mode`);
  await source.query(/* sql */ `insert into t values (2, 'b')`);
  await eventually(() => sinkProgress.stage.name === 'applying', 'the sink at the lock');
  const { since } = sinkProgress.stage;
  expect(sinkProgress.applying).toBeGreaterThan(0);
  expect(lagMs(sinkProgress, since + 60_000)).toBeGreaterThan(50_000);
  await target.query('commit');
  await replication.settled();
  await eventually(() => sinkProgress.stage.isWaiting, 'an idle sink');
  expect(sinkProgress.committedAt).toBeGreaterThan(0);
  expect(await replication.expectEqual('t')).toBe(2);
});
