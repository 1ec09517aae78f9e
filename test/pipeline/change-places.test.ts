import { expect, test } from 'vitest';
import { ChangePlaces } from '../../src/pipeline/change-places.ts';
import type { PartitionCursor } from '../../src/pipeline/partition-cursor.ts';

/** As the reader moves one cursor for each partition. */
function cursorsOf(...partitions: number[]): { partition: number; offset: number; topic: string }[] {
  return partitions.map((partition) => ({ topic: 't', partition, offset: 0 }));
}

test('places of changes follow the batch, whatever records come in between', () => {
  const places = new ChangePlaces();
  const cursors = cursorsOf(0, 1, 2);
  const expected: unknown[] = [];
  const pick = (i: number): number => Math.floor(i / 7) % 3; // rows one behind the other, and partitions in turn
  for (let i = 0; i < 200; i++) {
    const cursor = cursors[pick(i)] as (typeof cursors)[number];
    cursor.offset += i % 11 === 0 ? 3 : 1; // records of others lie between
    const changes = i % 5 === 0 ? 0 : i % 13 === 0 ? 2 : 1; // a tombstone adds no change, a changed key two
    for (let n = 0; n < changes; n++) expected.push({ ...cursor });
    places.reach(expected.length, cursor as unknown as PartitionCursor);
  }
  expect(expected.map((_, i) => places.at(i))).toEqual(expected);
  expect(places.at(expected.length)).toBeUndefined();
  places.clear();
  expect(places.at(0)).toBeUndefined();
  const [first] = cursors as unknown as PartitionCursor[];
  places.reach(1, first as PartitionCursor);
  expect(places.at(0)).toEqual({ ...cursors[0] });
});
