import { expect, test } from 'vitest';
import { percentile, Recoveries } from '../../src/torture/recoveries.ts';

test('says of each kind of restart how long its median, 99th percentile and longest took', () => {
  const recoveries = new Recoveries();
  for (let i = 200; i > 0; i--) recoveries.add('the start of the service', i * 10);
  recoveries.add('a restart of the broker, SIGKILL', 2345);
  expect(recoveries.lines()).toEqual([
    'first new row after the start of the service (200 times): median 1.00 s, p99 1.98 s, longest 2.00 s',
    'first new row after a restart of the broker, SIGKILL (once): median 2.35 s, p99 2.35 s, longest 2.35 s',
  ]);
});

test.each([
  [[7], 0.99, 7],
  [[1, 2], 0.5, 1],
  [[1, 2, 3], 0.5, 2],
  [[1, 2, 3], 1, 3],
])('of %j, a share of %d does not exceed %d', (sorted, share, value) => {
  expect(percentile(sorted, share)).toBe(value);
});
