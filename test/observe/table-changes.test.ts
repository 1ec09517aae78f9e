import { expect, test } from 'vitest';
import { Batch, Op } from '../../src/change/batch.ts';
import type { TableSchema } from '../../src/change/table-schema.ts';
import { addValue, emptyHistogram } from '../../src/observe/histogram.ts';
import { addTables, countTables, OTHER_TABLES, type TableChanges } from '../../src/observe/table-changes.ts';

function table(name: string): TableSchema {
  return { relationId: 1, version: 1, schema: 'public', name, columns: [], key: [], identity: 'default' };
}

function batch(changes: readonly (readonly [name: string, op: Op])[]): Batch {
  const made = new Batch();
  const names = [...new Set(changes.map(([name]) => name))];
  for (const name of names) made.tables.push(table(name));
  for (const [name, op] of changes) made.addChange(op, names.indexOf(name), 0, 0, -1, -1);
  return made;
}

test('changes are counted by table and kind, over batches', () => {
  const tables: TableChanges = {};
  countTables(
    tables,
    batch([
      ['a', Op.insert],
      ['b', Op.delete],
      ['a', Op.insert],
      ['a', Op.keyChange],
      ['c', Op.control],
    ]),
  );
  countTables(
    tables,
    batch([
      ['b', Op.update],
      ['__proto__', Op.read],
    ]),
  );
  expect(tables).toEqual({
    'public.a': { copied: 0, inserts: 2, updates: 0, deletes: 0, keyChanges: 1 },
    'public.b': { copied: 0, inserts: 0, updates: 1, deletes: 1, keyChanges: 0 },
    'public.__proto__': { copied: 1, inserts: 0, updates: 0, deletes: 0, keyChanges: 0 },
  });
});

test('tables beyond a hundred are counted together, and none of the known ones among them', () => {
  const tables: TableChanges = {};
  const more: TableChanges = {};
  for (let i = 0; i < 150; i++) countTables(i < 120 ? tables : more, batch([[`t${i}`, Op.insert]]));
  addTables(tables, more);
  countTables(tables, batch([['t7', Op.insert]]));
  expect(Object.keys(tables)).toHaveLength(101);
  expect(tables[OTHER_TABLES]?.inserts).toBe(50);
  expect(tables['public.t7']?.inserts).toBe(2);
});

test('a value falls into the bucket whose bound it does not exceed', () => {
  const histogram = emptyHistogram([1, 10]);
  for (const value of [0.5, 1, 1.1, 10, 11, 1000]) addValue(histogram, value);
  expect(histogram).toEqual({ bounds: [1, 10], counts: [2, 2, 2], sum: 1023.6 });
});
