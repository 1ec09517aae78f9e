import { createRequire } from 'node:module';
import { CompressionCodecs, CompressionTypes, Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compressionOf, decompress } from '../../../src/log/compression/compression.ts';
import { type KafkaLog, openKafkaLog } from '../../../src/log/kafka/kafka-log.ts';
import { kafkaForTests, uniqueName } from '../../support/kafka.ts';
import { readOn, record, recordSet, textOf } from '../records.ts';

const WRITTEN = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
/** What a topic can have the broker do: leave batches as they are, or write them anew. */
const STORED = ['producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const CODES = [undefined, 'gzip', 'snappy', 'lz4', 'zstd'];

const signal: AbortSignal = new AbortController().signal;
const values = Array.from({ length: 9000 }, (_, i) => `row ${i}, ${(i * 7919) % 1000}, of a table like many others`);
const bootstrap = kafkaForTests()?.bootstrap ?? '';

const require: NodeJS.Require = createRequire(import.meta.url);
const { decompressFrameSync } = require('lz4-napi') as {
  readonly decompressFrameSync: (bytes: Buffer) => Buffer;
};

/** Lets kafkajs read what it has no codec for; LZ4 by another reader of frames than ours. */
function teachKafkajs(): void {
  const reading = (read: (bytes: Buffer) => Buffer) => () => ({
    compress: () => Promise.reject(new Error('The test only reads')),
    decompress: (bytes: Buffer) => Promise.resolve(read(bytes)),
  });
  CompressionCodecs[CompressionTypes.Snappy] = reading((bytes) => decompress(2, bytes, 0));
  CompressionCodecs[CompressionTypes.LZ4] = reading(decompressFrameSync);
  CompressionCodecs[CompressionTypes.ZSTD] = reading((bytes) => decompress(4, bytes, 0));
}

/** Every value in each of the topics, as a consumer of kafkajs gets them. */
async function consumed(topics: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  teachKafkajs();
  const consumer = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }).consumer({
    groupId: uniqueName('g'),
  });
  const found = new Map<string, string[]>(topics.map((topic) => [topic, []]));
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        if (!payload.restart) reject(payload.error);
      });
      const eachBatch = async ({
        batch,
      }: {
        batch: { topic: string; messages: readonly { value: Buffer | null }[] };
      }) => {
        found.get(batch.topic)?.push(...batch.messages.map(({ value }) => String(value)));
        if ([...found.values()].every((each) => each.length >= values.length)) resolve();
      };
      consumer.run({ eachBatch }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return found;
}

describe.skipIf(bootstrap === '')('records that are compressed, on a real broker', () => {
  let log: KafkaLog;
  beforeAll(async () => {
    log = await openKafkaLog({ bootstrapServers: [bootstrap], clientId: 'compression' });
  });
  afterAll(() => log[Symbol.asyncDispose]());

  /** Stores the values in batches of their own, compressed so, in a new topic whose batches the broker stores so. */
  async function publish(written: (typeof WRITTEN)[number], stored: (typeof STORED)[number]): Promise<string> {
    const topic = uniqueName(`${written}-in-${stored}`);
    await log.createTopics([{ name: topic, partitions: 1, config: { 'compression.type': stored } }], signal);
    const records = recordSet(values.map(record), 100_000, compressionOf(written));
    expect(records.batches.length).toBeGreaterThan(3);
    const { spans } = await log.publish([{ topic, partition: 0, records }], undefined, signal);
    expect(spans).toEqual([{ topic, partition: 0, base: 0, count: values.length }]);
    return topic;
  }

  describe.each(STORED)('in a topic of compression.type=%s', (stored) => {
    test.each(WRITTEN)('are read as they were when they were written with %s', async (written) => {
      const topic = await publish(written, stored);
      const cursor = { topic, partition: 0, offset: 0 };
      const [first] = await log.read([cursor], 1_000_000, 30_000, signal);
      const code = CODES[(first?.bytes.readInt16BE(21) ?? -1) & 7] ?? 'uncompressed';
      expect(code).toBe(stored !== 'producer' ? stored : written === 'none' ? 'uncompressed' : written);
      const read = await readOn(log, cursor, values.length);
      expect(read.map(({ offset }) => offset)).toEqual(values.map((_, i) => i));
      expect(read.map(textOf)).toEqual(values);
    });
  });

  test("are read by kafkajs's consumer, as written and as the broker has written them anew", {
    timeout: 60_000,
  }, async () => {
    const topics: string[] = [];
    for (const written of WRITTEN) {
      topics.push(
        await publish(written, 'producer'),
        await publish(written, 'uncompressed'),
        await publish(written, 'gzip'),
      );
    }
    const found = await consumed(topics);
    for (const topic of topics) expect(found.get(topic), topic).toEqual(values);
  });
});
