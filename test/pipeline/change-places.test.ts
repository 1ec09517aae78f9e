import { expect, test } from 'vitest';
import { ChangePlaces } from '../../src/pipeline/change-places.ts';
import type { PartitionCursor } from '../../src/pipeline/partition-cursor.ts';

test('places of changes follow the batch, one record for each', () => {
  const places = new ChangePlaces();
  const cursor = (partition: number, offset: number): PartitionCursor =>
    ({ topic: 't', partition, offset }) as PartitionCursor;
  for (let i = 1; i <= 100; i++) {
    places.reach(i, cursor(i % 3, 10 * i));
    places.reach(i, cursor(7, 7)); // a tombstone adds no change
  }
  expect([0, 63, 64, 99].map((i) => places.at(i))).toEqual([
    { topic: 't', partition: 1, offset: 10 },
    { topic: 't', partition: 1, offset: 640 },
    { topic: 't', partition: 2, offset: 650 },
    { topic: 't', partition: 1, offset: 1000 },
  ]);
  expect(places.at(100)).toBeUndefined();
  places.clear();
  expect(places.at(0)).toBeUndefined();
});
