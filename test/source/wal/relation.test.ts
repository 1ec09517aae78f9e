import { expect, test } from 'vitest';
import type { Column, TableSchema } from '../../../src/change/table-schema.ts';
import type { RelationFacts } from '../../../src/postgres/catalog.ts';
import { compileFilter } from '../../../src/source/capture/filter.ts';
import { describeRelation, typeKey } from '../../../src/source/wal/relation.ts';
import { settings } from './wal-fixture.ts';

const FILTER = compileFilter(settings({ host: '', port: 1, database: 'd', user: 'u', sslmode: 'disable' }));
const TYPE = {
  oid: 25,
  modifier: -1,
  name: 'pg_catalog.text',
  declared: 'text',
  kind: 'base',
  base: 'pg_catalog.text',
  baseModifier: -1,
} as const;

const facts = (columns: Record<string, number>, more: Partial<Column> = {}): RelationFacts => ({
  relationId: 1,
  schema: 'public',
  name: 't',
  key: [0],
  identity: 'default',
  columns: Object.entries(columns).map(([name, attnum]) => ({ name, attnum, type: TYPE, nullable: true, ...more })),
});

/** What a message with columns of these names, in the order of the stream, is taken for. */
function described(names: readonly string[], catalog: RelationFacts, previous?: TableSchema): Record<string, Column> {
  const columns = names.map((name, i) => ({ name, isKey: i === 0, typeId: 25, modifier: -1 }));
  const message = { relationId: 1, schema: 'public', name: 't', identity: 'd', columns };
  const { table } = describeRelation(message, catalog, new Map([[typeKey(25, -1), TYPE]]), previous, FILTER);
  return Object.fromEntries(table.columns.map((column) => [column.name, column]));
}
const attnums = (columns: Record<string, Column>): unknown =>
  Object.fromEntries(Object.values(columns).map(({ name, attnum }) => [name, attnum]));

test('takes a column for another one than the catalog has by its name when that was added after its successors', () => {
  const names = ['id', 'v', 'b'];
  const catalog = facts({ id: 1, b: 3, v: 4 }, { missing: 'new' });
  const previous = { ...facts({ id: 1, v: 2, b: 3 }), version: 1 };
  expect(attnums(described(names, catalog, previous))).toEqual({ id: 1, v: 2, b: 3 });
  expect(described(names, catalog, previous)['v']).not.toHaveProperty('missing');
  // Unknown is better than wrong.
  expect(attnums(described(names, catalog))).toEqual({ id: 1, v: 0, b: 3 });
  // Where it stands now it is the new one.
  const now = described(['id', 'b', 'v'], catalog, previous);
  expect([attnums(now), now['v']?.missing]).toEqual([{ id: 1, v: 4, b: 3 }, 'new']);
});

test('knows that a key is not null although the catalog has another type for it by now', () => {
  const retyped = facts({ id: 1, v: 2 }, { type: { ...TYPE, oid: 20, name: 'pg_catalog.int8' } });
  const columns = described(['id', 'v'], retyped);
  expect([columns['id']?.nullable, columns['v']?.nullable]).toEqual([false, true]);
});
