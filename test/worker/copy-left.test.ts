import { expect, test } from 'vitest';
import { secondsLeft } from '../../src/worker/copy-left.ts';

const copy = (rows: number, percent: number) => ({
  tables: 1,
  tablesDone: percent === 100 ? 1 : 0,
  rows,
  estimatedRows: 1000,
  percent,
});

test('what a copy still takes is told by how fast it went since this process began it', () => {
  const copyBegan = { at: 10_000, rows: 200 };
  expect(secondsLeft({ snapshot: copy(400, 40), copyBegan }, 12_000)).toBe(6);
  expect(secondsLeft({ snapshot: copy(400, 40), copyBegan }, 14_000)).toBe(12); // it stands
});

test('nothing is told before there is anything to tell it by, nor when nothing is left', () => {
  const copyBegan = { at: 10_000, rows: 200 };
  expect(secondsLeft({ snapshot: copy(200, 20), copyBegan }, 12_000)).toBeUndefined();
  expect(secondsLeft({ snapshot: copy(1200, 99), copyBegan }, 12_000)).toBeUndefined(); // the estimate was wrong
  expect(secondsLeft({ snapshot: copy(1000, 100), copyBegan }, 12_000)).toBeUndefined();
  expect(secondsLeft({ snapshot: copy(400, 40) }, 12_000)).toBeUndefined();
});
