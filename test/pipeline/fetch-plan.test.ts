import { expect, test } from 'vitest';
import type { RecordReader } from '../../src/log/record-reader.ts';
import { fetchBudget } from '../../src/pipeline/fetch-budget.ts';

const MB = 1024 * 1024;
const FETCH_BYTES = 8 * MB;

const waiting = { done: false, loaded: false, reader: undefined };
const holding = (bytes: number): Parameters<typeof fetchBudget>[0] extends Iterable<infer T> ? T : never => ({
  done: false,
  loaded: true,
  reader: { input: { length: bytes } } as RecordReader,
});
const done = { ...holding(4 * MB), done: true };

test('a partition alone, or among others that hold little, may be fetched for as much as a fetch may have', () => {
  expect(fetchBudget([waiting], FETCH_BYTES)).toBe(FETCH_BYTES);
  expect(fetchBudget([waiting, holding(1000), done], FETCH_BYTES)).toBe(FETCH_BYTES - 1000);
});

test('one of many is not read far ahead of those that hold as much as a fetch', () => {
  const others = Array.from({ length: 99 }, () => holding(FETCH_BYTES / 100));
  const share = Math.floor((2 * FETCH_BYTES) / 100);
  expect(fetchBudget([waiting, ...others], FETCH_BYTES)).toBe(share);
  expect(fetchBudget([waiting, waiting, ...others.slice(1)], FETCH_BYTES)).toBe(2 * share);
});

test('all together hold a few fetches at most, and each can always go on', () => {
  for (const count of [2, 10, 100, 500]) {
    let held = 0;
    for (let n = 0; n < count; n++) {
      const others = Array.from({ length: count - 1 }, () => holding(Math.floor(held / count)));
      const budget = fetchBudget([waiting, ...others], FETCH_BYTES);
      expect(budget).toBeGreaterThanOrEqual(64 * 1024);
      held += budget;
    }
    expect(held).toBeLessThanOrEqual(count > 100 ? 5 * FETCH_BYTES : 3 * FETCH_BYTES);
  }
});

test('a setting below what one partition is given holds', () => {
  expect(fetchBudget([waiting, waiting, holding(MB)], 65_536)).toBe(65_536);
});
