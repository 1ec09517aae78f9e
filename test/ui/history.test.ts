import { expect, test } from 'vitest';
import { History } from '../../src/ui/history.ts';

test('rates are what the counter grew by, per second', () => {
  const history = new History(10);
  history.add({ at: 100, rows: 1_000, lagMs: undefined });
  history.add({ at: 102, rows: 1_500, lagMs: 12 });
  expect(history.series()).toEqual({ at: [100, 102], rate: [null, 250], lagMs: [null, 12] });
});

test('a counter that began anew gives no rate', () => {
  const history = new History(10);
  for (const [at, rows] of [
    [1, 500],
    [2, 3],
    [3, 4],
  ] as const)
    history.add({ at, rows, lagMs: undefined });
  expect(history.series().rate).toEqual([null, null, 1]);
});

test('only the last samples are kept', () => {
  const history = new History(2);
  for (const at of [1, 2, 3]) history.add({ at, rows: at, lagMs: undefined });
  expect(history.series().at).toEqual([2, 3]);
});
