import { expect, test } from 'vitest';
import { cutSegments } from '../../../src/sink/postgres/segment.ts';
import { announce, batchOf, insert, table } from '../batches.ts';

const a = table('a', ['id int*']);
const b = table('b', ['id int*']);
const later = { ...a, version: 2 };

function outline(changes: Parameters<typeof batchOf>[0]): unknown[] {
  return [...cutSegments(batchOf(changes))].map((segment) =>
    'control' in segment
      ? segment.control.kind
      : [segment.rows.from, segment.rows.to, ...[...segment.rows.tables].map(([of, list]) => [of.name, ...list])],
  );
}

test('rows between controls are one segment, by table', () => {
  expect(outline([insert(a, '1'), insert(b, '1'), insert(a, '2'), announce(b), announce(a), insert(a, '3')])).toEqual([
    [0, 3, ['a', 0, 2], ['b', 1]],
    'table',
    'table',
    [5, 6, ['a', 5]],
  ]);
});

test('a version that the target is at already does not cut, and is asked for when it is met', () => {
  const batch = batchOf([announce(a), insert(a, '1'), announce(b), insert(b, '1'), insert(a, '2')]);
  const [only, ...more] = [...cutSegments(batch, () => true)];
  expect(more).toEqual([]);
  expect(only).toEqual({
    rows: {
      from: 0,
      to: 5,
      tables: new Map([
        [a, [1, 4]],
        [b, [3]],
      ]),
    },
  });
  expect([...cutSegments(batchOf([announce(a)]), () => true)]).toEqual([]);
  expect([...cutSegments(batch, (table) => table === a)]).toHaveLength(3);
});

test('another version of a table begins a new segment', () => {
  expect(outline([insert(b, '1'), insert(a, '1'), insert(later, '2'), insert(b, '2')])).toEqual([
    [0, 2, ['b', 0], ['a', 1]],
    [2, 4, ['a', 2], ['b', 3]],
  ]);
});

test('an empty batch has no segments', () => {
  expect(outline([])).toEqual([]);
  expect(outline([announce(a)])).toEqual(['table']);
});
