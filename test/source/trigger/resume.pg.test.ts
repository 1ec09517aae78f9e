import { expect, test } from 'vitest';
import { TransientError } from '../../../src/errors.ts';
import type { HeldSource, Source } from '../../../src/source/source.ts';
import { createTriggerSource } from '../../../src/source/trigger/trigger-source.ts';
import { systemClock } from '../../../src/worker/system-clock.ts';
import { eventually } from '../../pipeline/replication.ts';
import { triggerSettings, triggerWorld } from './trigger-fixture.ts';

/** A source whose `acknowledge` fails as often as `failures` says, once it streams: as if the process was killed before it. */
function failing(source: Source, failures: { left: number; met: number }): Source {
  return {
    async open(...args) {
      const held = await source.open(...args);
      const acknowledge = held.acknowledge.bind(held);
      let isStreaming = false;
      const read = held.read.bind(held);
      const replaced: Partial<HeldSource> = {
        read(...given) {
          isStreaming = true;
          return read(...given);
        },
        async acknowledge(position) {
          if (isStreaming && failures.left > 0) {
            failures.left--;
            failures.met++;
            throw new TransientError('Killed before it acknowledged');
          }
          await acknowledge(position);
        },
      };
      return Object.assign(held, replaced);
    },
  };
}

test('what a checkpoint covers is not sent again, though its events were not forgotten', async () => {
  const failures = { left: 0, met: 0 };
  await using world = await triggerWorld(
    'trigger_resume',
    `create table k (id int primary key); create table n (v int); insert into n values (1), (1)`,
    {},
    {
      capture: (connection, warn) =>
        failing(createTriggerSource(triggerSettings(connection), systemClock, warn), failures),
    },
  );
  const { source, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  for (let i = 1; i <= 5; i++) {
    failures.left = 1;
    await source.query(`insert into n values (${i}), (${i}), (7); insert into k values (${i})`); // without key nothing but the number of rows tells
    await eventually(() => failures.met === i, `failure ${i}`);
  }
  await replication.settled();
  expect(await replication.expectEqual('n', 'k')).toBe(22);
  await eventually(
    async () => (await source.query(`select from rowcast.events_shop`)).length === 0,
    'the events to be forgotten',
  );
});

test('a large transaction is one interval in batches of bounded size', async () => {
  const sizes: number[] = [];
  await using world = await triggerWorld(
    'trigger_large',
    `create table t (id int primary key, v text)`,
    {},
    {
      capture: (connection, warn) => {
        const source = createTriggerSource(triggerSettings(connection, { maxBatchBytes: 100_000 }), systemClock, warn);
        return {
          async open(...args) {
            const held = await source.open(...args);
            const read = held.read.bind(held);
            return Object.assign(held, {
              async *read(...given: Parameters<HeldSource['read']>) {
                for await (const batch of read(...given)) {
                  if (batch.length > 0) sizes.push(batch.byteLength);
                  yield batch;
                }
              },
            });
          },
        };
      },
    },
  );
  const { source, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  const { checkpoints } = replication.sourceProgress;
  await source.query(`insert into t select g, repeat('x', 100) from generate_series(1, 20000) g`);
  await replication.settled();
  expect(await replication.expectEqual('t')).toBe(20_000);
  expect(sizes.length).toBeGreaterThan(10);
  expect(Math.max(...sizes)).toBeLessThan(150_000);
  expect(replication.sourceProgress.checkpoints - checkpoints).toBeLessThan(10);
});
