import { describe, expect, test } from 'vitest';
import { captureOf, findUncovered, hasSameLists, listsOf } from '../../../src/source/capture/capture.ts';
import { findAdded } from '../../../src/source/wal/added-tables.ts';
import { compileFilter } from '../../../src/source/capture/filter.ts';
import type { PublishedTable } from '../../../src/source/wal/published-tables.ts';
import { settings } from './wal-fixture.ts';

const WHERE = { host: 'nowhere', port: 1, database: 'd', user: 'u', sslmode: 'disable' } as const;
const NONE = listsOf({ lists: {} });
const T = { schema: 'public', name: 't', columns: ['id', 'v', 'secret'], key: ['id'] };

describe('A capture', () => {
  test('keeps the lists that are not empty, by the names of their settings', () => {
    const lists = { tableInclude: ['public.t', 'x.*'], columnExclude: ['.*secret'] };
    const capture = captureOf(settings(WHERE, lists), [{ relationId: 7 }, { relationId: 9 }]);
    expect(capture).toEqual({
      lists: { 'table.include.list': ['public.t', 'x.*'], 'column.exclude.list': ['.*secret'] },
      tables: [7, 9],
    });
    expect(listsOf(capture)).toEqual({ ...NONE, ...lists });
    expect(hasSameLists(capture, { lists: capture.lists })).toBe(true);
    expect(hasSameLists(capture, { lists: {} })).toBe(false);
  });

  test('names no tables where they would make a claim too large', () => {
    const many = Array.from({ length: 20_001 }, (_, relationId) => ({ relationId }));
    expect(captureOf(settings(WHERE), many)).toEqual({ lists: {} });
  });
});

describe('What was not captured before', () => {
  const find = (before: Partial<typeof NONE>, now: Partial<typeof NONE>) =>
    findUncovered([T], compileFilter({ ...NONE, ...before }), compileFilter({ ...NONE, ...now })).map(
      ({ columns }) => columns ?? 'table',
    );

  test('is a table that only the new lists take in', () => {
    expect(find({ tableInclude: ['public.u'] }, {})).toEqual(['table']);
    expect(find({ schemaExclude: ['public'] }, {})).toEqual(['table']);
    expect(find({}, { tableExclude: ['public.t'] })).toEqual([]);
    expect(find({ tableInclude: ['public.t'] }, { tableInclude: ['public\\.(t|u)'] })).toEqual([]);
  });

  test('is a column that only the new lists take in, but for the key, which was always captured', () => {
    expect(find({ columnInclude: ['public.t.v'] }, {})).toEqual([['secret']]);
    expect(find({ columnExclude: ['public.t.(id|secret)'] }, {})).toEqual([['secret']]);
    expect(find({}, { columnExclude: ['public.t.v'] })).toEqual([]);
  });
});

test('tables were added to a publication by name or with their schema, not by being created in it', () => {
  const table = (relationId: number, schema: string, by: PublishedTable['by']): PublishedTable => ({
    relationId,
    schema,
    name: `t${relationId}`,
    columns: undefined,
    rowFilter: undefined,
    isPartitioned: false,
    by,
  });
  const published = [
    table(1, 'public', 'name'),
    table(2, 'public', 'name'),
    table(3, 'known', 'schema'),
    table(4, 'known', 'schema'),
    table(5, 'added', 'schema'),
  ];
  expect(findAdded(published, new Set([1, 3])).map(({ relationId }) => relationId)).toEqual([2, 5]);
  expect(findAdded([table(6, 'public', 'all')], new Set())).toEqual([]);
});
