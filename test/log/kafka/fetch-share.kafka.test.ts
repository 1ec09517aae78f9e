import { expect, test } from 'vitest';
import type { Cursor } from '../../../src/log/log.ts';
import { type KafkaLog, openKafkaLog } from '../../../src/log/kafka/kafka-log.ts';
import { kafkaForTests, uniqueName } from '../../support/kafka.ts';
import { record, recordSet } from '../records.ts';

const signal: AbortSignal = new AbortController().signal;
const bootstrap = kafkaForTests()?.bootstrap ?? '';
const PARTITIONS = 10;
const MAX_BYTES = 640_000;

/** A topic with `each` records of `size` bytes in every partition, all in batches of their own. */
async function filled(log: KafkaLog, each: number, size: number): Promise<Cursor[]> {
  const topic = uniqueName('share');
  await log.createTopics([{ name: topic, partitions: PARTITIONS, config: {} }], signal);
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
  for (let n = 0; n < each; n++) {
    const records = (): ReturnType<typeof recordSet> => recordSet([record('x'.repeat(size))]);
    await log.publish(
      partitions.map((partition) => ({ topic, partition, records: records() })),
      undefined,
      signal,
    );
  }
  return partitions.map((partition) => ({ topic, partition, offset: 0 }));
}

test.runIf(bootstrap !== '')('one read has some of every partition, and not all that the first ones have', async () => {
  await using log = await openKafkaLog({ bootstrapServers: [bootstrap], clientId: 'share' });
  const cursors = await filled(log, 20, 15_000);
  const fetched = await log.read(cursors, MAX_BYTES, 5_000, signal);
  const sizes = fetched.map(({ bytes }) => bytes.length);
  expect(sizes).toHaveLength(PARTITIONS);
  expect(Math.min(...sizes)).toBeGreaterThan(15_000);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_BYTES / PARTITIONS + 15_200);
});

test.runIf(bootstrap !== '')('batches above a share come too, one partition after the other', async () => {
  await using log = await openKafkaLog({ bootstrapServers: [bootstrap], clientId: 'share' });
  let waiting = await filled(log, 1, 200_000);
  for (let reads = 0; waiting.length > 0 && reads < PARTITIONS; reads++) {
    const fetched = await log.read(waiting, MAX_BYTES, 5_000, signal);
    const found = new Set(fetched.filter(({ bytes }) => bytes.length > 0).map(({ partition }) => partition));
    waiting = waiting.filter(({ partition }) => !found.has(partition));
  }
  expect(waiting).toEqual([]);
});
