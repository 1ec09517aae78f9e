import { expect, test } from 'vitest';
import type { DdlChange, TableState } from '../../../../src/change/ddl.ts';
import type { Column } from '../../../../src/change/table-schema.ts';
import { hasUnknownValues } from '../../../../src/source/wal/ddl/unknown-values.ts';

const ID = { attnum: 1, name: 'id' } as Column;

function table(columns: readonly Partial<Column>[], more: Partial<TableState> = {}): TableState {
  return { kind: 'table', isUnlogged: false, table: { columns }, ...more } as TableState;
}

function adds(column: Partial<Column>, more: Partial<TableState> = {}): DdlChange {
  return { before: table([ID]), after: table([ID, { attnum: 2, name: 'new', ...column }], more) };
}

test('a new column has values of its own when neither a constant nor the catalog tells them', () => {
  expect(hasUnknownValues(adds({ default: 'random()' }))).toBe(true);
  expect(hasUnknownValues(adds({ default: "nextval('s'::regclass)" }))).toBe(true);
  expect(hasUnknownValues(adds({ identity: 'a' }))).toBe(true);
  expect(hasUnknownValues(adds({ default: 'now()', missing: '2026-11-21' }))).toBe(false);
  expect(hasUnknownValues(adds({ default: '5' }))).toBe(false);
  expect(hasUnknownValues(adds({ default: '(id * 2)', generated: 's' }))).toBe(false);
  expect(hasUnknownValues(adds({}))).toBe(false);
});

test('a rewrite has them when its expressions are not known', () => {
  const change = { before: table([ID]), after: table([ID]) };
  expect(hasUnknownValues({ ...change, isRewritten: true })).toBe(true);
  expect(hasUnknownValues({ ...change, isRewritten: true, conversions: { id: 'id * 2' } })).toBe(false);
  expect(hasUnknownValues(change)).toBe(false);
});

test('new tables, partitions and unlogged tables have none', () => {
  const random = { default: 'random()' };
  expect(hasUnknownValues({ after: table([ID, { attnum: 2, ...random }]) })).toBe(false);
  expect(hasUnknownValues(adds(random, { isUnlogged: true }))).toBe(false);
  expect(hasUnknownValues(adds(random, { partition: {} as NonNullable<TableState['partition']> }))).toBe(false);
});
