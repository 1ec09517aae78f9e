import { expect, test } from 'vitest';
import {
  type CopySignal,
  NO_REQUESTS,
  partialTables,
  type RequestedCopy,
} from '../../../../src/change/copy-request.ts';
import { RequestList, unread } from '../../../../src/source/wal/request/request-list.ts';

const execute = (names: readonly string[], more: object = {}): CopySignal => {
  return { kind: 'execute', id: 'x', isBlocking: false, tables: names.map((name) => ({ schema: 's', name, ...more })) };
};
const names = (list: RequestList): string[] => list.state.tables.map(({ name }) => name);
const begun = { ...unread(7), fingerprint: 'f', after: ['1'] };

function listOf(...signals: CopySignal[]): RequestList {
  const list = new RequestList();
  for (const signal of signals) list.hear(signal);
  return list;
}

test('copies are made in the order in which they are asked for, one that waits only once', () => {
  const list = listOf(execute(['a', 'b']), execute(['a']), execute(['a'], { condition: 'x' }));
  expect(names(list)).toEqual(['a', 'b', 'a']);
  const copy = list.put(list.head as RequestedCopy, begun);
  expect(partialTables(list.state)).toEqual(new Set([7]));
  list.hear(execute(['a'])); // rows may have changed since it was begun
  expect(names(list)).toEqual(['a', 'b', 'a', 'a']);
  list.end(copy, true);
  expect(list.head).toMatchObject({ name: 'b' });
});

test('a pause holds all, and is part of the state', () => {
  const list = listOf(execute(['a']), { kind: 'pause', id: 'p' });
  expect(list.head).toBeUndefined();
  expect(list.state.isPaused).toBe(true);
  list.hear({ kind: 'resume', id: 'r' });
  expect(list.head).toMatchObject({ name: 'a' });
});

test('a whole copy that is given up leaves a part, until its table is copied again', () => {
  const list = listOf(execute(['a', 'b']));
  list.put(list.head as RequestedCopy, begun);
  list.hear({ kind: 'stop', id: 's', tables: [] });
  expect(names(list)).toEqual(['a']);
  expect(list.head).toBeUndefined();
  expect(partialTables(list.state)).toEqual(new Set([7]));
  list.hear(execute(['a']));
  const again = list.put(list.head as RequestedCopy, begun);
  expect(list.of(7)).toBe(again);
  list.end(again, true);
  expect(list.state.tables).toEqual([]);
});

test('a part that is given up leaves nothing undone', () => {
  const list = listOf(execute(['a'], { condition: 'x' }));
  list.put(list.head as RequestedCopy, begun);
  list.hear({ kind: 'stop', id: 's', tables: ['s.a'] });
  expect(list.head?.begun).toMatchObject({ isRead: true });
});

test('a table that is needed is a part at once, begins anew where changes were missed, and is covered when it is whole', () => {
  const list = new RequestList();
  list.need('rowcast', { schema: 's', name: 'a' }, 7);
  list.restore({ isPaused: false, tables: [{ schema: 's', name: 'a', id: 'x', isBlocking: false, begun }] });
  expect(names(list)).toEqual(['a']);
  expect(list.head?.begun).toEqual(unread(7));
  const copy = list.put(list.head as RequestedCopy, begun);
  list.end(copy, true);
  expect(list.state).toEqual({ isPaused: false, tables: [], covered: [7] });
  list.restore(list.state);
  expect(list.state).toEqual(NO_REQUESTS); // the next claim names it
});
