import { expect, test } from 'vitest';
import type { Fetched } from '../../src/log/log.ts';
import type { RecordReader } from '../../src/log/record-reader.ts';
import { type FetchPlan, planFetch } from '../../src/pipeline/fetch-plan.ts';
import { RecordWidths } from '../../src/pipeline/record-widths.ts';
import { record, recordSet } from '../log/records.ts';

const MB = 1024 * 1024;
const FETCH_BYTES = 8 * MB;

type Cursor = Parameters<typeof planFetch>[0] extends Iterable<infer T> ? T : never;

const waiting: Cursor = {
  topic: 't',
  partition: 0,
  offset: 7,
  remaining: 100,
  done: false,
  loaded: false,
  reader: undefined,
};
const holding = (bytes: number): Cursor => ({
  ...waiting,
  loaded: true,
  reader: { input: { length: bytes } } as RecordReader,
});
const done: Cursor = { ...holding(4 * MB), done: true };

/** Nothing was read before. */
function plan(cursors: readonly Cursor[], fetchBytes = FETCH_BYTES): FetchPlan {
  return planFetch(cursors, fetchBytes, new RecordWidths());
}

/** Batches of one record with a value of so many bytes. */
function fetched(sizes: readonly number[]): Pick<Fetched, 'topic' | 'partition' | 'bytes'> {
  const batches = sizes.map((size) => recordSet([record('x'.repeat(size))]).batches[0]?.bytes as Buffer);
  return { topic: 't', partition: 0, bytes: Buffer.concat(batches) };
}

const nothing = fetched([]);

/** A plan that asks so many partitions of the topic for so many bytes each, and all of them for `maxBytes`. */
function asking(partitions: number, each: number, maxBytes: number): Pick<FetchPlan, 'cursors' | 'maxBytes'> {
  const cursors = Array.from({ length: partitions }, (_, partition) => ({
    topic: 't',
    partition,
    offset: 0,
    maxBytes: each,
  }));
  return { cursors, maxBytes };
}

test('a partition alone, or among others that hold little, may be fetched for as much as a fetch may have', () => {
  expect(plan([waiting])).toEqual({
    cursors: [{ topic: 't', partition: 0, offset: 7, maxBytes: FETCH_BYTES }],
    maxBytes: FETCH_BYTES,
  });
  expect(plan([waiting, holding(1000), done]).maxBytes).toBe(FETCH_BYTES - 1000);
});

test('one of many is not read far ahead of those that hold as much as a fetch', () => {
  const others = Array.from({ length: 99 }, () => holding(FETCH_BYTES / 100));
  const share = Math.floor((2 * FETCH_BYTES) / 100);
  expect(plan([waiting, ...others]).maxBytes).toBe(share);
  expect(plan([waiting, waiting, ...others.slice(1)]).maxBytes).toBe(2 * share);
});

test('all together hold a few fetches at most, and each can always go on', () => {
  for (const count of [2, 10, 100, 500, 2000]) {
    let held = 0;
    for (let n = 0; n < count; n++) {
      const others = Array.from({ length: count - 1 }, () => holding(Math.floor(held / count)));
      const { maxBytes } = plan([waiting, ...others]);
      expect(maxBytes).toBeGreaterThan(0);
      held += maxBytes;
    }
    const needed = new RecordWidths().bytesOf(waiting, waiting.remaining);
    expect(held).toBeLessThanOrEqual(Math.max(3 * FETCH_BYTES, FETCH_BYTES + count * needed));
  }
});

test('a setting below what one partition is given holds', () => {
  expect(plan([waiting, waiting, holding(MB)], 65_536).maxBytes).toBe(65_536);
});

test('one of a thousand is asked for what is needed of it, and for its share of what may be held when that is more', () => {
  const widths = new RecordWidths();
  widths.learn([fetched([130, 130])], asking(1, MB, MB));
  const share = Math.floor((2 * FETCH_BYTES) / 1000);
  const asked = (remaining: number): FetchPlan =>
    planFetch(Array<Cursor>(1000).fill({ ...waiting, remaining }), FETCH_BYTES, widths);
  expect(asked(10).maxBytes).toBe(FETCH_BYTES);
  for (const { maxBytes } of asked(10).cursors) expect(maxBytes).toBe(share);
  const needed = 200 * (130 + 61);
  for (const { maxBytes } of asked(200).cursors) {
    expect(maxBytes).toBeGreaterThan(needed);
    expect(maxBytes).toBeLessThan(2 * needed);
  }
  for (const { maxBytes } of asked(1_000_000).cursors) expect(maxBytes).toBe(64 * 1024);
});

test('only so many partitions are asked as an answer has room for, and one always', () => {
  const widths = new RecordWidths();
  widths.learn([fetched([130, 130])], asking(1, MB, MB));
  const many = Array.from({ length: 1000 }, (_, partition) => ({ ...waiting, partition, remaining: 200 }));
  const { cursors, maxBytes } = planFetch(many, MB, widths);
  expect(maxBytes).toBe(MB);
  const bytes = cursors.reduce((sum, each) => sum + (each.maxBytes ?? 0), 0);
  expect(bytes).toBeGreaterThan(0.9 * MB);
  expect(bytes).toBeLessThanOrEqual(MB);
  expect(cursors.map(({ partition }) => partition)).toEqual(cursors.map((_, n) => n));
  expect(planFetch(many, 1000, widths).cursors).toHaveLength(1);
});

test('nothing is learned of a partition that got nothing of an answer which others have filled', () => {
  const widths = new RecordWidths();
  widths.learn([fetched([10])], asking(1, MB, MB));
  const before = widths.bytesOf(waiting, 100);
  // Whatever came whole of what was sent: the end of it may have been cut off.
  widths.learn([nothing, { ...fetched([10]), partition: 1 }], asking(2, MB, MB));
  expect(widths.bytesOf(waiting, 100)).toBe(before);
});

test('a partition that was never read is taken for one like the others', () => {
  const widths = new RecordWidths();
  const first = widths.bytesOf(waiting, 100);
  widths.learn([{ ...fetched([10_000]), partition: 1 }], asking(2, MB, MB));
  expect(widths.bytesOf(waiting, 100)).toBeGreaterThan(10 * first);
  expect(widths.bytesOf(waiting, 100)).toBe(widths.bytesOf({ ...waiting, partition: 1 }, 100));
});

test('a batch that was larger than what was asked for is asked for with more, up to what any partition gets', () => {
  const widths = new RecordWidths();
  widths.learn([fetched([10])], asking(1, MB, MB));
  const many = Array<Cursor>(2000).fill(holding(FETCH_BYTES / 1000));
  const asked = (): number => planFetch([waiting, ...many], FETCH_BYTES, widths).maxBytes;
  const first = asked();
  widths.learn([nothing], asking(1, 100, 100));
  expect(asked()).toBeGreaterThan(2 * first);
  for (let i = 0; i < 20; i++) widths.learn([nothing], asking(1, 100, 100));
  expect(asked()).toBe(64 * 1024);
});
