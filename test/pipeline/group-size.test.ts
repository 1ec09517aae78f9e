import { expect, test } from 'vitest';
import { GroupSize } from '../../src/pipeline/group-size.ts';

/** How many checkpoints, of so many records in so many partitions each, make a group of `limit` records. */
function groupOf(limit: number, records: number, partitions: number): number {
  const size = new GroupSize();
  const spans = Array.from({ length: partitions }, (_, partition) => ({ topic: 't', partition, base: 0, count: 1 }));
  for (let checkpoints = 1; ; checkpoints++) {
    size.add({ records, spans });
    if (size.isEnough(limit)) return checkpoints;
  }
}

test('a group has as many records as it may, and more of many partitions, up to a limit', () => {
  expect(groupOf(20_000, 1000, 1)).toBe(20);
  expect(groupOf(20_000, 1000, 400)).toBe(20);
  expect(groupOf(20_000, 1000, 1000)).toBe(50);
  expect(groupOf(20_000, 1000, 10_000)).toBe(80);
  expect(groupOf(500, 1000, 10_000)).toBe(2); // the first one of a run
});
