import { expect, test } from 'vitest';
import { compileFilter } from '../../../src/source/capture/filter.ts';
import { applicationName, isStale } from '../../../src/source/capture/holder.ts';
import { findBranch } from '../../../src/postgres/timeline.ts';

const LISTS = {
  schemaInclude: [],
  schemaExclude: [],
  tableInclude: [],
  tableExclude: [],
  columnInclude: [],
  columnExclude: [],
};

test('matches whole names in any case, and never captures system schemas', () => {
  const filter = compileFilter({
    ...LISTS,
    tableInclude: ['public\\.orders.*', 'Shop.items'],
    columnExclude: ['.*\\.secret'],
  });
  expect(filter.table('public', 'orders_2026')).toBe(true);
  expect(filter.table('shop', 'ITEMS')).toBe(true);
  expect(filter.table('public', 'my_orders')).toBe(false);
  expect([filter.column('public', 'orders', 'secret'), filter.column('public', 'orders', 'secrets')]).toEqual([
    false,
    true,
  ]);
  const all = compileFilter({ ...LISTS, schemaExclude: ['audit'] });
  expect(
    ['public', 'pg_catalog', 'information_schema', 'rowcast', 'audit'].filter((schema) => all.table(schema, 't')),
  ).toEqual(['public']);
  expect(() => compileFilter({ ...LISTS, tableInclude: ['('] })).toThrow('Not a regular expression');
});

const SELF = { daemon: '3c9f2d1e-aaaa-bbbb-cccc-0123456789ab', offset: 12, id: 'b' };

test('tells which holder may be ended', () => {
  const name = (more: Partial<typeof SELF>, connector = 'shop'): string =>
    applicationName(connector, { ...SELF, ...more });
  const stale = (application: string, takeOver = false): boolean => isStale(application, 'shop', SELF, takeOver);
  expect(stale(name({ offset: 11, id: 'z' }))).toBe(true);
  expect(stale(name({ id: 'a' }))).toBe(true);
  expect(stale(name({}))).toBe(true); // an earlier run of this process
  expect(stale(name({ offset: 13 }))).toBe(false);
  expect(stale(name({ id: 'c' }))).toBe(false);
  expect(stale(name({ offset: 13 }), true)).toBe(false);
  expect(stale(name({ daemon: 'other', offset: 1 }))).toBe(false);
  expect(stale(name({ daemon: 'other', offset: 99 }), true)).toBe(true);
  expect(stale(name({ offset: 1 }, 'another'), true)).toBe(false);
  expect(stale('psql', true)).toBe(false);
  const longest = applicationName('x'.repeat(500), { daemon: 'y'.repeat(99), offset: 2 ** 52, id: 'z'.repeat(99) });
  expect(longest.length).toBeLessThan(64);
});

test('finds where a timeline was left', () => {
  const history = '1\t0/5000060\tno recovery target specified\n\n2\t1/A0\tbefore # noon\n';
  expect(findBranch(history, 1)).toBe(0x5000060);
  expect(findBranch(history, 2)).toBe(2 ** 32 + 0xa0);
  expect(findBranch(history, 3)).toBeUndefined();
});
