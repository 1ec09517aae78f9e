import { beforeEach, expect, test } from 'vitest';
import { Batch, Op } from '../../src/change/batch.ts';
import type { Converter, RowDecoder } from '../../src/converter/converter.ts';
import type { Cursor, Fetched, Log } from '../../src/log/log.ts';
import type { CountingCheckpoint } from '../../src/log/protocol/counter.ts';
import { setBaseOffset } from '../../src/log/record-set.ts';
import { BatchEncoder } from '../../src/pipeline/encode-batch.ts';
import { ReadMemory } from '../../src/pipeline/read-memory.ts';
import { SpanReader } from '../../src/pipeline/span-reader.ts';
import { TableVersions } from '../../src/pipeline/table-versions.ts';
import { addRow, avroConverter, cellsOf, column, memoryStore, table, TRANSACTION } from '../converter/fixture.ts';

const TABLE = table([column('id', 'int4'), column('t', 'text')], { identity: 'default' });
const TOPIC = 'srv.public.orders';
const CLAIM = 3;
const RECORDS = 10;
const LIMITS = { fetchBytes: 1 << 20, chunkBytes: 1 << 16 };
const { signal } = new AbortController();

let converter: Converter;
let checkpoints: CountingCheckpoint[];
let stored: { base: number; count: number; bytes: Buffer }[];
let reads: Cursor[];

beforeEach(async () => {
  converter = avroConverter(memoryStore());
  [checkpoints, stored, reads] = [[], [], []];
  const topicsFor = async (tables: readonly unknown[]): Promise<{ name: string; partitions: number }[]> =>
    tables.map(() => ({ name: TOPIC, partitions: 1 }));
  const encoder = new BatchEncoder({
    prefix: 'srv',
    converter,
    tombstones: false,
    now: () => 0,
    topicsFor,
    recordBatchBytes: 10_000,
  });
  const announcing = new Batch();
  announcing.addControl({ kind: 'table', table: TABLE }, 0, 0);
  encoder.beginInterval(CLAIM, 0);
  await encoder.prepare(announcing, signal);
  encoder.encode(announcing);
  for (let number = 1; number <= 6; number++) store(encoder, number);
});

/** Encodes the ten rows of checkpoint `number`. */
function store(encoder: BatchEncoder, number: number): void {
  const batch = new Batch();
  batch.tables.push(TABLE);
  batch.transactions.push(TRANSACTION);
  const base = (number - 1) * RECORDS;
  for (let i = 0; i < RECORDS; i++) {
    batch.addChange(Op.insert, 0, 0, 0, -1, addRow(batch, [String(base + i), i % 3 === 0 ? null : 'x'.repeat(i)]));
  }
  encoder.beginInterval(CLAIM, number);
  const records = encoder.encode(batch)[0]?.records;
  const bytes = records?.batches[0]?.bytes as Buffer;
  setBaseOffset(bytes, base);
  stored.push({ base, count: RECORDS, bytes });
  checkpoints.push({
    claim: CLAIM,
    number,
    spans: [{ topic: TOPIC, partition: 0, base, count: RECORDS }],
    records: RECORDS,
    consistent: true,
  } as unknown as CountingCheckpoint);
}

/** Answers with everything that is stored from the batch of the cursor's offset on, up to `end`. */
function logUpTo(end: () => number): Log {
  const read = (cursors: readonly Cursor[]): Promise<Fetched[]> => {
    const [cursor] = cursors as [Cursor];
    reads.push({ topic: cursor.topic, partition: cursor.partition, offset: cursor.offset });
    const found = stored.filter(({ base, count }) => base + count > cursor.offset && base < end());
    const bytes = Buffer.concat(found.map((each) => each.bytes));
    return Promise.resolve([{ topic: TOPIC, partition: 0, bytes, start: 0, end: end() }]);
  };
  return { read } as unknown as Log;
}

function readerOf(log: Log, from: number, to: number, memory = new ReadMemory(LIMITS)): SpanReader {
  const versions = new TableVersions('srv');
  versions.add(CLAIM, TABLE);
  const options = { log, converter, versions, accepts: undefined, prefix: 'srv', acceptsTopic: undefined, ...LIMITS };
  return new SpanReader(options, checkpoints.slice(from, to), memory);
}

async function idsOf(log: Log, from: number, to: number, memory: ReadMemory): Promise<number[]> {
  const ids: number[] = [];
  for await (const batch of readerOf(log, from, to, memory).batches(signal)) {
    for (let i = 0; i < batch.length; i++) {
      const [id, text] = cellsOf(batch, batch.after[i] as number, 2);
      const n = Number(id) % RECORDS;
      expect(text).toBe(n % 3 === 0 ? null : 'x'.repeat(n));
      ids.push(Number(id));
    }
  }
  return ids;
}

/** As `converter`; `holding` has the decoders that hold what they have decoded. */
function watched(holding: Set<RowDecoder>): Converter {
  return {
    encoder: (...asked) => converter.encoder(...asked),
    announce: (...asked) => converter.announce(...asked),
    decoder: async (...asked) => {
      const made = await converter.decoder(...asked);
      const decoder: RowDecoder = {
        before: -1,
        after: -1,
        decode: (...value) => {
          holding.add(decoder);
          made.decode(...value);
          decoder.before = made.before;
          decoder.after = made.after;
        },
        release: () => {
          holding.delete(decoder);
          made.release();
        },
      };
      return decoder;
    },
  };
}

test('a table that has no more rows holds nothing of the answer that its last one came in', async () => {
  const holding = new Set<RowDecoder>();
  const versions = new TableVersions('srv');
  versions.add(CLAIM, TABLE);
  const options = { converter: watched(holding), versions, accepts: undefined, prefix: 'srv', acceptsTopic: undefined };
  const log = logUpTo(() => 60);
  const open = (): SpanReader =>
    new SpanReader({ ...options, log, ...LIMITS }, checkpoints.slice(0, 6), new ReadMemory(LIMITS));
  for await (const _ of open().batches(signal)) expect(holding.size).toBe(1);
  expect(holding.size).toBe(0);
  for await (const _ of open().batches(signal)) break; // whoever applies them has failed
  expect(holding.size).toBe(0);
});

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

test('goes on in what was fetched for the group before, and fetches only when that is used up', async () => {
  let end = 40;
  const log = logUpTo(() => end);
  const memory = new ReadMemory(LIMITS);
  expect(await idsOf(log, 0, 1, memory)).toEqual(range(0, 10));
  expect(await idsOf(log, 1, 3, memory)).toEqual(range(10, 30));
  expect(reads.map(({ offset }) => offset)).toEqual([0]);
  end = 60;
  expect(await idsOf(log, 3, 6, memory)).toEqual(range(30, 60));
  expect(reads.map(({ offset }) => offset)).toEqual([0, 40]);
});

/** What a read of the partitions that `ahead` names would bring, up to `end`. */
function readAhead(memory: ReadMemory, end: number): readonly Cursor[] {
  const cursors = memory.ahead();
  for (const { topic, partition, offset } of cursors) {
    const found = stored.filter(({ base, count }) => base + count > offset && base < end);
    memory.take({ topic, partition, bytes: Buffer.concat(found.map((each) => each.bytes)), start: 0, end });
  }
  return cursors;
}

test('takes what was read ahead, whatever of it no checkpoint covers, and fetches the rest', async () => {
  const memory = new ReadMemory(LIMITS);
  const log = logUpTo(() => 10);
  expect(memory.ahead()).toEqual([]);
  expect(await idsOf(log, 0, 1, memory)).toEqual(range(0, 10));
  expect(readAhead(memory, 10)).toEqual([{ topic: TOPIC, partition: 0, offset: 10 }]); // nothing is there yet
  expect(readAhead(memory, 30)).toHaveLength(1);
  expect(readAhead(memory, 30)).toEqual([]); // it is kept
  expect(await idsOf(log, 2, 3, memory)).toEqual(range(20, 30));
  expect(reads).toHaveLength(1);
  expect(readAhead(memory, 40)).toEqual([{ topic: TOPIC, partition: 0, offset: 30 }]);
  expect(
    await idsOf(
      logUpTo(() => 60),
      3,
      5,
      memory,
    ),
  ).toEqual(range(30, 50));
  expect(reads.map(({ offset }) => offset)).toEqual([0, 40]);
});

test('does not take what was read ahead from behind the records that are wanted', async () => {
  const memory = new ReadMemory(LIMITS);
  const log = logUpTo(() => 20);
  expect(await idsOf(log, 0, 2, memory)).toEqual(range(0, 20));
  readAhead(memory, 60);
  expect(
    await idsOf(
      logUpTo(() => 60),
      1,
      3,
      memory,
    ),
  ).toEqual(range(10, 30));
  expect(reads.map(({ offset }) => offset)).toEqual([0, 10]);
});

test('passes over what no checkpoint covers in what was fetched before', async () => {
  const memory = new ReadMemory(LIMITS);
  const log = logUpTo(() => 60);
  expect(await idsOf(log, 0, 1, memory)).toEqual(range(0, 10));
  expect(await idsOf(log, 4, 5, memory)).toEqual(range(40, 50));
  expect(reads).toHaveLength(1);
});

test('fetches again what lies before the end of the group before', async () => {
  const memory = new ReadMemory(LIMITS);
  const log = logUpTo(() => 60);
  expect(await idsOf(log, 0, 3, memory)).toEqual(range(0, 30));
  expect(await idsOf(log, 0, 1, memory)).toEqual(range(0, 10));
  expect(await idsOf(log, 1, 2, memory)).toEqual(range(10, 20));
  expect(reads.map(({ offset }) => offset)).toEqual([0, 0]);
});

test('keeps nothing of a group that was not read to its end', async () => {
  const memory = new ReadMemory(LIMITS);
  const log = logUpTo(() => 60);
  const versions = new TableVersions('srv'); // without the table: its rows cannot be read
  const options = { log, converter, versions, accepts: undefined, prefix: 'srv', acceptsTopic: undefined, ...LIMITS };
  const reader = new SpanReader(options, checkpoints.slice(0, 1), memory);
  await expect(reader.batches(signal).next()).rejects.toThrow('lost history');
  expect(await idsOf(log, 1, 2, memory)).toEqual(range(10, 20));
  expect(reads.map(({ offset }) => offset)).toEqual([0, 10]);
});

test('stops when what a checkpoint names was lost, and waits when only the answer says so', async () => {
  let end = 60;
  // A leader that is new does not know yet what it has when it is asked first.
  const log = { ...logUpTo(() => (reads.length > 2 ? end : 40)), bounds: async () => ({ start: 0, end }) };
  const { value } = await readerOf(log, 4, 6).batches(signal).next();
  expect(value?.length).toBe(20);
  expect(reads.map(({ offset }) => offset)).toEqual([40, 40, 40]);

  end = 50;
  await expect(readerOf(log, 5, 6).batches(signal).next()).rejects.toThrow(
    `Topic ${TOPIC}, partition 0 lost history: it ends at offset 50, and a checkpoint names more`,
  );
});

test('gives up the memory that one wide row took', () => {
  const memory = new ReadMemory(LIMITS);
  const batch = memory.batch();
  expect(memory.batch()).toBe(batch);
  batch.reserve(4 * LIMITS.chunkBytes);
  expect(memory.batch()).not.toBe(batch);
});
