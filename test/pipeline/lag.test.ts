import { expect, test } from 'vitest';
import { lagMs, noTimes } from '../../src/pipeline/lag.ts';

test('nothing is known before the first transaction', () => {
  expect(lagMs(noTimes(), 1_000)).toBeUndefined();
});

test('is what the transaction that was applied last took, however long ago', () => {
  expect(lagMs({ committedAt: 1_000, appliedAt: 1_040, applying: 0 }, 900_000)).toBe(40);
});

test('is the age of the oldest transaction that is being applied, when that is more', () => {
  const times = { committedAt: 1_000, appliedAt: 1_040, applying: 2_000 };
  expect(lagMs(times, 2_010)).toBe(40);
  expect(lagMs(times, 9_000)).toBe(7_000);
  expect(lagMs({ ...noTimes(), applying: 2_000 }, 2_500)).toBe(500);
});

test('is never negative, though the clock of the source may be ahead', () => {
  expect(lagMs({ committedAt: 2_000, appliedAt: 1_000, applying: 3_000 }, 1_500)).toBe(0);
});
