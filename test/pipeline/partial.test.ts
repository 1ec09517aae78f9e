import { expect, test } from 'vitest';
import type { BegunCopy, CopyRequests } from '../../src/change/copy-request.ts';
import { partialIn } from '../../src/pipeline/partial.ts';
import { selectionOf } from '../../src/pipeline/topic-filter.ts';

const ALL = selectionOf('p', { topics: [], topicsRegex: [] });
const begun: BegunCopy = { relationId: 7, fingerprint: '', after: null, isRead: false, point: '', rows: 0 };
const requests = (...tables: Partial<CopyRequests['tables'][number]>[]): CopyRequests => ({
  isPaused: false,
  tables: tables.map((table) => ({ schema: 's', name: 'a', id: 'id', isBlocking: false, ...table })),
});

test('tables whose whole copy has begun lack rows, by name and each once', () => {
  const asked = requests(
    { name: 'c', begun },
    { name: 'b', begun: { ...begun, isStopped: true } },
    { name: 'c', begun },
  );
  expect(partialIn({ requests: asked }, ALL)).toEqual({ partial: ['s.b', 's.c'] });
});

test('a copy that has not begun, and one with a condition, take no row away', () => {
  const asked = requests({ name: 'b' }, { name: 'c', condition: 'id > 1', begun });
  expect(partialIn({ requests: asked }, ALL)).toEqual({});
  expect(partialIn({}, ALL)).toEqual({});
});

test('only tables that the sink replays are its business', () => {
  const asked = requests({ name: 'a', begun }, { name: 'b', begun });
  expect(partialIn({ requests: asked }, selectionOf('p', { topics: ['p.s.b'], topicsRegex: [] }))).toEqual({
    partial: ['s.b'],
  });
});
