import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OperatorError, TransientError } from '../../src/errors.ts';
import type { Append, Log, Span } from '../../src/log/log.ts';
import { type CompressionType, compressionOf } from '../../src/log/compression/compression.ts';
import { countRecords } from '../../src/log/record-reader.ts';
import { fetchedOf, readOn, readRecords, recordSet, textOf, texts as textsWith } from './records.ts';

/** An opened log under test. */
export interface LogUnderTest {
  readonly log: Log;
  /** What one record batch may have at most in a topic that is created without settings. */
  readonly maxRecordBytes: number;
  /** Closes the log and opens it again, as a restarted process would. */
  reopen(): Promise<Log>;
  close(): Promise<void>;
}

const KEPT = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' };
const signal: AbortSignal = new AbortController().signal;

/** The whole contract of src/log/log.ts, the same for every log. Topics get names of their own, so a shared cluster will do. */
export function logConformance(
  name: string,
  open: () => Promise<LogUnderTest>,
  compressionType: CompressionType = 'none',
): void {
  const compression = compressionOf(compressionType);
  const texts = (topic: string, partition: number, values: readonly string[], maxBatchBytes?: number): Append =>
    textsWith(topic, partition, values, maxBatchBytes, compression);

  describe(`${name} keeps the log's contract`, () => {
    let underTest: LogUnderTest;
    let log: Log;

    beforeAll(async () => {
      underTest = await open();
      log = underTest.log;
    });
    afterAll(async () => {
      await underTest?.close();
    });

    async function newTopic(partitions: number = 1, config: Record<string, string> = {}): Promise<string> {
      const topic = `conformance-${randomUUID()}`;
      await log.createTopics([{ name: topic, partitions, config }], signal);
      return topic;
    }

    async function publish(...appends: Append[]): Promise<readonly Span[]> {
      return (await log.publish(appends, undefined, signal)).spans;
    }

    describe('topics', () => {
      test('lists the topics that exist and leaves out those that do not', async () => {
        const topic = await newTopic();
        const missing = `conformance-${randomUUID()}`;
        const topics = await log.topics([topic, missing], signal);
        expect([...topics.keys()]).toEqual([topic]);
        expect(topics.get(topic)).toMatchObject({ name: topic, partitions: 1 });
        expect(topics.get(topic)?.id).not.toBe('');
      });

      test('gives every topic an id of its own', async () => {
        const names = [await newTopic(), await newTopic()];
        const topics = await log.topics(names, signal);
        expect(new Set(names.map((each) => topics.get(each)?.id)).size).toBe(2);
      });

      test('shows the settings that a topic was created with', async () => {
        const topic = await newTopic(1, KEPT);
        const config = (await log.topics([topic], signal)).get(topic)?.config;
        expect(Object.fromEntries(Object.keys(KEPT).map((key) => [key, config?.get(key)]))).toEqual(KEPT);
      });

      test('leaves a topic that exists as it is when it is created again', async () => {
        const topic = await newTopic(1, KEPT);
        await publish(texts(topic, 0, ['kept']));
        const before = (await log.topics([topic], signal)).get(topic);
        const other = `conformance-${randomUUID()}`;
        await log.createTopics(
          [
            { name: topic, partitions: 7, config: { 'retention.ms': '1000' } },
            { name: other, partitions: 1, config: {} },
          ],
          signal,
        );
        const after = await log.topics([topic, other], signal);
        expect(after.get(topic)).toEqual(before);
        expect(after.has(other)).toBe(true);
        expect(await log.bounds(topic, 0, signal)).toEqual({ start: 0, end: 1 });
      });
    });

    describe('publish', () => {
      test('gives dense offsets from 0 on, in the order of the appends', async () => {
        const [one, two] = [await newTopic(), await newTopic()];
        expect(await publish(texts(one, 0, ['a', 'b']), texts(two, 0, ['c']))).toEqual([
          { topic: one, partition: 0, base: 0, count: 2 },
          { topic: two, partition: 0, base: 0, count: 1 },
        ]);
        expect(await publish(texts(two, 0, ['d', 'e', 'f']), texts(one, 0, ['g']))).toEqual([
          { topic: two, partition: 0, base: 1, count: 3 },
          { topic: one, partition: 0, base: 2, count: 1 },
        ]);
        expect((await readOn(log, { topic: two, partition: 0, offset: 0 }, 4)).map(textOf)).toEqual([
          'c',
          'd',
          'e',
          'f',
        ]);
        expect(await log.bounds(one, 0, signal)).toEqual({ start: 0, end: 3 });
      });

      test('counts the offsets of each partition for itself', async () => {
        const topic = await newTopic(3);
        const partitions = (await log.topics([topic], signal)).get(topic)?.partitions ?? 0;
        expect(partitions).toBeGreaterThan(0);
        const all = Array.from({ length: partitions }, (_, partition) => partition);
        const spans = await publish(...all.map((p) => texts(topic, p, [`${p} first`, `${p} second`])));
        expect(spans).toEqual(all.map((partition) => ({ topic, partition, base: 0, count: 2 })));
        for (const partition of all) {
          const records = await readOn(log, { topic, partition, offset: 0 }, 2);
          expect(records.map(textOf)).toEqual([`${partition} first`, `${partition} second`]);
        }
      });

      test('gives one span to records that fill several batches', async () => {
        const topic = await newTopic();
        const values = Array.from({ length: 100 }, (_, i) => `${i} ${'x'.repeat(100)}`);
        const append = texts(topic, 0, values, 1000);
        expect(append.records.batches.length).toBeGreaterThan(5);
        expect(await publish(append)).toEqual([{ topic, partition: 0, base: 0, count: 100 }]);
        const records = await readOn(log, { topic, partition: 0, offset: 0 }, 100);
        expect(records.map(textOf)).toEqual(values);
        expect(records.map((each) => each.offset)).toEqual(values.map((_, i) => i));
      });

      test('shows the spans to the checkpoint and stores the checkpoint with them', async () => {
        const [data, checkpoints] = [await newTopic(), await newTopic(1, KEPT)];
        await publish(texts(data, 0, ['earlier']), texts(checkpoints, 0, ['claim']));
        let seen: readonly Span[] = [];
        const published = await log.publish(
          [texts(data, 0, ['a', 'b'])],
          (spans) => {
            seen = spans;
            return [texts(checkpoints, 0, ['part 1', 'part 2'])];
          },
          signal,
        );
        expect(seen).toEqual([{ topic: data, partition: 0, base: 1, count: 2 }]);
        expect(published.spans).toEqual(seen);
        expect(published.checkpoint).toEqual([{ topic: checkpoints, partition: 0, base: 1, count: 2 }]);
        const records = await readOn(log, { topic: checkpoints, partition: 0, offset: 0 }, 3);
        expect(records.map(textOf)).toEqual(['claim', 'part 1', 'part 2']);
      });

      test('stores a checkpoint without any data', async () => {
        const checkpoints = await newTopic(1, KEPT);
        const published = await log.publish([], () => [texts(checkpoints, 0, ['idle'])], signal);
        expect(published).toEqual({ spans: [], checkpoint: [{ topic: checkpoints, partition: 0, base: 0, count: 1 }] });
      });

      test('returns keys, values, headers and nulls exactly', async () => {
        const topic = await newTopic();
        const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
        const records = [
          { key: everyByte, value: everyByte, headers: [['h', everyByte] as const] },
          { key: null, value: null, headers: [] },
          { key: Buffer.alloc(0), value: Buffer.alloc(0), headers: [['h', Buffer.alloc(0)] as const] },
          { key: Buffer.alloc(8192, 1), value: Buffer.alloc(100_000, 2), headers: [] },
        ];
        await publish({ topic, partition: 0, records: recordSet(records, undefined, compression) });
        const answer = await log.read([{ topic, partition: 0, offset: 0 }], 1_000_000, 30_000, signal);
        const read = readRecords(fetchedOf(answer, topic, 0).bytes, ['h']);
        expect(read).toEqual(records.map((each, offset) => ({ ...each, offset })));
      });

      test('refuses a record that is too large before anything is stored', async () => {
        const [small, large] = [await newTopic(), await newTopic()];
        const tooLarge = texts(large, 0, [randomBytes(underTest.maxRecordBytes + 1).toString('base64')]);
        await expect(publish(texts(small, 0, ['fits']), tooLarge)).rejects.toThrow(OperatorError);
        expect(await log.bounds(small, 0, signal)).toEqual({ start: 0, end: 0 });
        expect(await log.bounds(large, 0, signal)).toEqual({ start: 0, end: 0 });
        expect(await publish(texts(small, 0, ['fits']))).toEqual([{ topic: small, partition: 0, base: 0, count: 1 }]);
      });

      test('refuses an unknown topic before anything is stored', async () => {
        const topic = await newTopic();
        const unknown = texts(`conformance-${randomUUID()}`, 0, ['nowhere']);
        await expect(publish(texts(topic, 0, ['a']), unknown)).rejects.toThrow(OperatorError);
        expect(await log.bounds(topic, 0, signal)).toEqual({ start: 0, end: 0 });
      });

      test('refuses a second publish while the first one runs', async () => {
        const topic = await newTopic();
        const first = publish(texts(topic, 0, ['first']));
        const second = await publish(texts(topic, 0, ['second'])).catch((error: unknown) => error);
        expect(second).toBeInstanceOf(Error);
        expect(second).not.toBeInstanceOf(TransientError);
        expect(second).not.toBeInstanceOf(OperatorError);
        expect(await first).toEqual([{ topic, partition: 0, base: 0, count: 1 }]);
        expect(await publish(texts(topic, 0, ['third']))).toEqual([{ topic, partition: 0, base: 1, count: 1 }]);
      });

      test('stores nothing when it was aborted before it began', async () => {
        const topic = await newTopic();
        const reason = new Error('stopped');
        const aborted = log.publish([texts(topic, 0, ['a'])], undefined, AbortSignal.abort(reason));
        await expect(aborted).rejects.toBe(reason);
        expect(await log.bounds(topic, 0, signal)).toEqual({ start: 0, end: 0 });
      });
    });

    describe('read', () => {
      test('begins with the batch that holds the offset when the offset lies inside one', async () => {
        const topic = await newTopic();
        await publish(texts(topic, 0, ['a', 'b']));
        await publish(texts(topic, 0, ['c', 'd', 'e']));
        const answer = fetchedOf(
          await log.read([{ topic, partition: 0, offset: 3 }], 1_000_000, 30_000, signal),
          topic,
          0,
        );
        const records = readRecords(answer.bytes).filter((each) => each.offset >= 3);
        expect(records.map(textOf)).toEqual(['d', 'e']);
        expect(answer).toMatchObject({ start: 0, end: 5 });
      });

      test('keeps the order across many publishes, for a reader that runs alongside', async () => {
        const topic = await newTopic();
        const values = Array.from({ length: 500 }, (_, i) => `value ${i}`);
        const reading = readOn(log, { topic, partition: 0, offset: 0 }, values.length, 500);
        for (let i = 0; i < values.length; ) {
          const count = 1 + ((i * 7) % 13);
          const [span] = await publish(texts(topic, 0, values.slice(i, i + count), 150));
          expect(span?.base).toBe(i);
          i += count;
        }
        const records = await reading;
        expect(records.map(textOf)).toEqual(values);
        expect(records.map((each) => each.offset)).toEqual(values.map((_, i) => i));
      });

      test('answers with nothing when nothing is there in time', async () => {
        const topic = await newTopic();
        await publish(texts(topic, 0, ['a']));
        const answer = await log.read([{ topic, partition: 0, offset: 1 }], 1000, 20, signal);
        expect(readRecords(fetchedOf(answer, topic, 0).bytes)).toEqual([]);
        expect(fetchedOf(answer, topic, 0)).toMatchObject({ start: 0, end: 1 });
      });

      test('wakes up a waiting reader when a record arrives', async () => {
        const topic = await newTopic();
        const reading = log.read([{ topic, partition: 0, offset: 0 }], 1000, 50_000, signal);
        await publish(texts(topic, 0, ['woken']));
        expect(readRecords(fetchedOf(await reading, topic, 0).bytes).map(textOf)).toEqual(['woken']);
      });

      test('wakes up by whichever cursor has something first', async () => {
        const [quiet, busy] = [await newTopic(), await newTopic()];
        const cursors = [quiet, busy].map((topic) => ({ topic, partition: 0, offset: 0 }));
        const reading = log.read(cursors, 1000, 50_000, signal);
        await publish(texts(busy, 0, ['woken']));
        expect(readRecords(fetchedOf(await reading, busy, 0).bytes).map(textOf)).toEqual(['woken']);
      });

      test('does not wait while one of several cursors has something', async () => {
        const [empty, full] = [await newTopic(), await newTopic()];
        await publish(texts(full, 0, ['there']));
        const cursors = [empty, full].map((topic) => ({ topic, partition: 0, offset: 0 }));
        const answer = await log.read(cursors, 1000, 3_600_000, signal);
        expect(readRecords(fetchedOf(answer, full, 0).bytes).map(textOf)).toEqual(['there']);
      });

      test('rejects with the reason of an abort while it waits, and goes on afterwards', async () => {
        const topic = await newTopic();
        const stop = new AbortController();
        const reading = log.read([{ topic, partition: 0, offset: 0 }], 1000, 3_600_000, stop.signal);
        const reason = new Error('stopped');
        setImmediate(() => stop.abort(reason));
        await expect(reading).rejects.toBe(reason);
        await publish(texts(topic, 0, ['later']));
        expect((await readOn(log, { topic, partition: 0, offset: 0 }, 1)).map(textOf)).toEqual(['later']);
      });

      test('rejects at once when it was aborted before', async () => {
        const topic = await newTopic();
        const reason = new Error('stopped');
        const aborted = log.read([{ topic, partition: 0, offset: 0 }], 1000, 0, AbortSignal.abort(reason));
        await expect(aborted).rejects.toBe(reason);
      });

      test('stays near the byte limit, but always gives a whole batch', async () => {
        const topic = await newTopic();
        const batches = 20;
        for (let i = 0; i < batches; i++) await publish(texts(topic, 0, [`${i}`.padEnd(10_000)]));
        for (const maxBytes of [1, 10_000, 35_000]) {
          const answer = await log.read([{ topic, partition: 0, offset: 0 }], maxBytes, 30_000, signal);
          const { bytes } = fetchedOf(answer, topic, 0);
          expect(readRecords(bytes).length).toBeGreaterThan(0);
          expect(bytes.length).toBeLessThan(maxBytes + 11_000);
        }
        const records = await readOn(log, { topic, partition: 0, offset: 0 }, batches, 1);
        expect(records.map((each) => Number(textOf(each)))).toEqual(Array.from({ length: batches }, (_, i) => i));
      });

      test('shares one byte limit between all cursors', async () => {
        const topics = [await newTopic(), await newTopic(), await newTopic(), await newTopic()];
        for (let i = 0; i < 5; i++) await publish(...topics.map((topic) => texts(topic, 0, ['x'.repeat(10_000)])));
        const cursors = topics.map((topic) => ({ topic, partition: 0, offset: 0 }));
        const answer = await log.read(cursors, 25_000, 30_000, signal);
        const sum = answer.reduce((total, each) => total + each.bytes.length, 0);
        expect(sum).toBeGreaterThan(0);
        expect(sum).toBeLessThan(25_000 + topics.length * 11_000);
      });

      test('gives no more of a partition than its cursor asks for, but a whole batch', async () => {
        const topics = [await newTopic(), await newTopic(), await newTopic()];
        for (let i = 0; i < 10; i++) await publish(...topics.map((topic) => texts(topic, 0, ['x'.repeat(1_000)])));
        const most = [1_500, 3_500, 8_000];
        const cursors = topics.map((topic, i) => ({ topic, partition: 0, offset: 0, maxBytes: most[i] as number }));
        const answer = await log.read(cursors, 1_000_000, 30_000, signal);
        for (const [i, topic] of topics.entries()) {
          const { bytes } = fetchedOf(answer, topic, 0);
          expect(countRecords(bytes)).toBeGreaterThan(0);
          expect(bytes.length).toBeLessThanOrEqual(most[i] as number);
        }
      });

      test('serves every cursor in the end, however small the byte limit is', async () => {
        const topics = [await newTopic(), await newTopic(), await newTopic()];
        for (let i = 0; i < 3; i++) await publish(...topics.map((topic) => texts(topic, 0, [`${i}`.padEnd(5_000)])));
        const cursors = topics.map((topic) => ({ topic, partition: 0, offset: 0 }));
        for (let reads = 0; cursors.some(({ offset }) => offset < 3); reads++) {
          expect(reads).toBeLessThan(100);
          for (const fetched of await log.read(cursors, 1, 1000, signal)) {
            const cursor = cursors.find(({ topic }) => topic === fetched.topic);
            const last = readRecords(fetched.bytes).at(-1);
            if (cursor !== undefined && last !== undefined) cursor.offset = last.offset + 1;
          }
        }
      });

      test('refuses an offset beyond the end', async () => {
        const topic = await newTopic();
        await publish(texts(topic, 0, ['a']));
        await expect(log.read([{ topic, partition: 0, offset: 2 }], 1000, 100, signal)).rejects.toThrow(OperatorError);
      });

      test('refuses an unknown topic', async () => {
        const topic = `conformance-${randomUUID()}`;
        await expect(log.read([{ topic, partition: 0, offset: 0 }], 1000, 100, signal)).rejects.toThrow(OperatorError);
        await expect(log.bounds(topic, 0, signal)).rejects.toThrow(OperatorError);
      });
    });

    describe('retention', () => {
      test('moves the start of a trimmed partition and keeps the rest readable', async () => {
        const topic = await newTopic(1, KEPT);
        await publish(texts(topic, 0, ['a', 'b']));
        await publish(texts(topic, 0, ['c', 'd']));
        await log.trim(topic, 0, 3, signal);
        expect(await log.bounds(topic, 0, signal)).toEqual({ start: 3, end: 4 });
        expect((await readOn(log, { topic, partition: 0, offset: 3 }, 1)).map(textOf)).toEqual(['d']);
        await expect(log.read([{ topic, partition: 0, offset: 2 }], 1000, 100, signal)).rejects.toThrow(OperatorError);
      });

      test('counts on after everything was trimmed', async () => {
        const topic = await newTopic();
        await publish(texts(topic, 0, ['a', 'b']));
        await log.trim(topic, 0, 2, signal);
        expect(await log.bounds(topic, 0, signal)).toEqual({ start: 2, end: 2 });
        expect(await publish(texts(topic, 0, ['c']))).toEqual([{ topic, partition: 0, base: 2, count: 1 }]);
        expect((await readOn(log, { topic, partition: 0, offset: 2 }, 1)).map(textOf)).toEqual(['c']);
      });

      test('never moves a start backwards', async () => {
        const topic = await newTopic();
        await publish(texts(topic, 0, ['a', 'b', 'c']));
        await log.trim(topic, 0, 2, signal);
        await log.trim(topic, 0, 1, signal);
        expect(await log.bounds(topic, 0, signal)).toEqual({ start: 2, end: 3 });
      });

      test('refuses to trim what is not there yet', async () => {
        const topic = await newTopic();
        await publish(texts(topic, 0, ['a']));
        await expect(log.trim(topic, 0, 2, signal)).rejects.toThrow(Error);
        expect(await log.bounds(topic, 0, signal)).toEqual({ start: 0, end: 1 });
      });

      test('keeps what a reader has not released', async () => {
        const topic = await newTopic();
        await publish(texts(topic, 0, ['a']), texts(topic, 0, ['b']));
        await log.release('sink', '', [{ topic, partition: 0, offset: 1 }], signal);
        expect((await readOn(log, { topic, partition: 0, offset: 1 }, 1)).map(textOf)).toEqual(['b']);
      });
    });

    // The last one: the log that the tests before used is closed here.
    test('is the same log with everything in it after it was opened again', async () => {
      const [data, kept] = [await newTopic(), await newTopic(1, KEPT)];
      await log.publish([texts(data, 0, ['a', 'b'])], () => [texts(kept, 0, ['checkpoint'])], signal);
      await log.trim(data, 0, 1, signal);
      const before = { clusterId: log.clusterId, topics: await log.topics([data, kept], signal) };
      log = await underTest.reopen();
      expect(log.clusterId).toBe(before.clusterId);
      expect(await log.topics([data, kept], signal)).toEqual(before.topics);
      expect(await log.bounds(data, 0, signal)).toEqual({ start: 1, end: 2 });
      expect((await readOn(log, { topic: data, partition: 0, offset: 1 }, 1)).map(textOf)).toEqual(['b']);
      expect((await readOn(log, { topic: kept, partition: 0, offset: 0 }, 1)).map(textOf)).toEqual(['checkpoint']);
      expect(await publish(texts(data, 0, ['c']))).toEqual([{ topic: data, partition: 0, base: 2, count: 1 }]);
      expect((await readOn(log, { topic: data, partition: 0, offset: 2 }, 1)).map(textOf)).toEqual(['c']);
    });
  });
}
