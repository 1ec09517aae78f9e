import { describe, expect, test } from 'vitest';
import type { TableSchema } from '../../src/change/table-schema.ts';
import { missedTopics } from '../../src/pipeline/filter-change.ts';
import { TableVersions } from '../../src/pipeline/table-versions.ts';
import { compileTopicFilter, isSameFilter, selectionOf } from '../../src/pipeline/topic-filter.ts';

const ALL = { topics: [], topicsRegex: [] };
const names = (...topics: string[]) => ({ topics, topicsRegex: [] });
const regex = (...topicsRegex: string[]) => ({ topics: [], topicsRegex });

describe('A topic filter', () => {
  test('accepts names, or whole names by expression, or everything', () => {
    expect(compileTopicFilter(ALL)).toBeUndefined();
    expect(compileTopicFilter(names('p.s.a'))?.('p.s.a')).toBe(true);
    expect(compileTopicFilter(names('p.s.a'))?.('p.s.ab')).toBe(false);
    expect(compileTopicFilter(regex('p\\.s\\.a.*'))?.('p.s.ab')).toBe(true);
    expect(compileTopicFilter(regex('s\\.a'))?.('p.s.a')).toBe(false);
  });

  test('accepts a table by the name of its topic', () => {
    const { accepts } = selectionOf('p', names('p.public.a_b'));
    expect(accepts?.({ schema: 'public', name: 'a b' })).toBe(true);
    expect(accepts?.({ schema: 'public', name: 'a' })).toBe(false);
  });

  test('is the same when its texts are', () => {
    expect(isSameFilter(names('a', 'b'), names('a', 'b'))).toBe(true);
    expect(isSameFilter(names('a'), regex('a'))).toBe(false);
  });
});

describe('A filter that changed', () => {
  const TOPICS = ['p.s.a', 'p.s.b', 'p.s.b', 'p.s.c'];

  test('has missed what it takes in now and did not before', () => {
    expect(missedTopics(TOPICS, names('p.s.a'), ALL)).toEqual(['p.s.b', 'p.s.c']);
    expect(missedTopics(TOPICS, names('p.s.a'), names('p.s.b'))).toEqual(['p.s.b']);
    expect(missedTopics(TOPICS, names('p.s.a'), names('p.s.a', 'p.s.new'))).toEqual([]);
  });

  test('has missed nothing when it takes in less, or the same by other words', () => {
    expect(missedTopics(TOPICS, ALL, names('p.s.a'))).toEqual([]);
    expect(missedTopics(TOPICS, names('p.s.a', 'p.s.b'), regex('p\\.s\\.[ab]'))).toEqual([]);
  });

  test('has missed only tables that were announced before the last checkpoint that was applied', () => {
    const versions = new TableVersions('p');
    const table = (name: string, version: number) => ({ schema: 's', name, version }) as TableSchema;
    versions.add(1, table('a', 1), 0);
    versions.add(1, table('b', 2), 7);
    expect(versions.announced(6).map(({ name }) => name)).toEqual(['a']);
    expect(versions.announced(7).map(({ name }) => name)).toEqual(['a', 'b']);
  });
});
