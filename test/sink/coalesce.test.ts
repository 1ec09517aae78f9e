import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NULL, Op, UNCHANGED } from '../../src/change/batch.ts';
import { coalesce, cutRuns } from '../../src/sink/coalesce.ts';
import { RowCells } from '../../src/sink/row-cells.ts';
import {
  batchOf,
  type Cell,
  type Change,
  insert,
  keyChange,
  read,
  remove,
  table,
  unchanged,
  update,
} from './batches.ts';

const pairs = table('pairs', ['a text*', 'b text*', 'x text', 'y text']);
const WIDTH = 4;

/** The net changes as the operations they stand for, on a map of rows by key. */
function applyNet(rows: Map<string, Cell[]>, changes: readonly Change[], lenient: boolean): boolean {
  const batch = batchOf(changes, !lenient);
  const cells = new RowCells(batch);
  const text = (row: number): Cell[] =>
    Array.from({ length: WIDTH }, (_, c) => {
      const end = cells.end(row, c);
      if (end === NULL) return null;
      return end === UNCHANGED ? unchanged : batch.bytes.toString('utf8', cells.start(row, c), end);
    });
  const all = Array.from({ length: batch.length }, (_, i) => i);
  for (const run of cutRuns(batch, pairs.key, all)) {
    if (run.rekeys) {
      const olds = run.changes.map((i) => text(batch.before[i] as number));
      const taken = olds.map((old) => rows.get(keyOf(old)));
      for (const old of olds) rows.delete(keyOf(old));
      for (const [n, i] of run.changes.entries()) {
        const now = merged(text(batch.after[i] as number), taken[n] as Cell[]);
        rows.set(keyOf(now), now);
      }
      continue;
    }
    const net = coalesce(cells, pairs.key, WIDTH, run.changes, lenient);
    if (!net.regular) return false;
    for (const row of net.deleted) expect(rows.delete(keyOf(text(row)))).toBe(true);
    for (const row of net.erased) rows.delete(keyOf(text(row)));
    for (const row of net.updated) {
      const old = rows.get(keyOf(text(row)));
      if (!lenient) expect(old).toBeDefined();
      if (old) rows.set(keyOf(text(row)), merged(text(row), old));
    }
    for (const row of net.inserted) {
      expect(rows.has(keyOf(text(row)))).toBe(false);
      rows.set(keyOf(text(row)), text(row));
    }
    for (const row of net.upserted) rows.set(keyOf(text(row)), text(row));
  }
  return true;
}

const keyOf = (row: readonly Cell[]): string => JSON.stringify([row[0], row[1]]);
const merged = (newer: readonly Cell[], older: readonly Cell[]): Cell[] =>
  newer.map((cell, c) => (cell === unchanged ? (older[c] as Cell) : cell));

/** Keys that collide when their parts are joined without a border. */
const key = fc.constantFrom<[string, string]>(['a', 'bc'], ['ab', 'c'], ['', 'abc'], ['abc', ''], ['x', 'y']);
const value = fc.constantFrom<Cell>('1', '22', '', null, '\\N', 'two\nlines');
const sparse = fc.oneof(value, fc.constant<Cell>(unchanged));
const wish = fc.record({ kind: fc.constantFrom('put', 'put', 'remove', 'rekey'), key, to: key, x: sparse, y: sparse });

describe('coalesce', () => {
  test('leaves the state that the changes leave one by one', () => {
    fc.assert(
      fc.property(fc.array(wish, { maxLength: 40 }), fc.uniqueArray(key, { selector: String }), (wishes, present) => {
        const start = present.map(([a, b]): Cell[] => [a, b, 'start', 'start']);
        const model = new Map(start.map((row) => [keyOf(row), row]));
        const rows = new Map(model);
        const changes = wishes.flatMap((w) => enact(model, w));
        expect(applyNet(rows, changes, false)).toBe(true);
        expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(model));
      }),
      { numRuns: 500 },
    );
  });

  test('keeps one operation per key', () => {
    const batch = batchOf([
      insert(pairs, '1', 'a', 'x', 'y'),
      update(pairs, '1', 'a', 'z', unchanged),
      update(pairs, '2', 'a', 'p', unchanged),
      update(pairs, '2', 'a', unchanged, 'q'),
      insert(pairs, '3', 'a', 'x', 'y'),
      remove(pairs, '3', 'a', null, null),
      remove(pairs, '4', 'a', null, null),
      insert(pairs, '4', 'a', 'new', null),
    ]);
    const net = coalesce(new RowCells(batch), pairs.key, WIDTH, [0, 1, 2, 3, 4, 5, 6, 7], false);
    expect([net.inserted.length, net.updated.length, net.deleted.length, net.regular]).toEqual([1, 2, 0, true]);
  });

  test('says when changes contradict each other', () => {
    const twice = batchOf([insert(pairs, '1', 'a', null, null), insert(pairs, '1', 'a', null, null)]);
    expect(coalesce(new RowCells(twice), pairs.key, WIDTH, [0, 1], false).regular).toBe(false);
    const dead = batchOf([remove(pairs, '1', 'a', null, null), update(pairs, '1', 'a', 'x', 'y')]);
    expect(coalesce(new RowCells(dead), pairs.key, WIDTH, [0, 1], false).regular).toBe(false);
  });

  test('assumes nothing about the target while it is copied, and about rows that a snapshot read', () => {
    const batch = batchOf([
      insert(pairs, '1', 'a', 'x', 'y'),
      remove(pairs, '2', 'a', null, null),
      update(pairs, '3', 'a', unchanged, 'y'),
    ]);
    const lenient = coalesce(new RowCells(batch), pairs.key, WIDTH, [0, 1, 2], true);
    expect([lenient.upserted.length, lenient.erased.length, lenient.updated.length]).toEqual([1, 1, 1]);
    const copied = batchOf([read(pairs, '1', 'a', 'x', 'y'), update(pairs, '1', 'a', unchanged, 'z')]);
    expect(coalesce(new RowCells(copied), pairs.key, WIDTH, [0, 1], false).upserted).toHaveLength(1);
  });

  test('finds the key of an update that did not send it', () => {
    const batch = batchOf([
      { op: 'update', table: pairs, before: ['big', 'k', null, null], after: [unchanged, 'k', 'x', 'y'] },
    ]);
    const cells = new RowCells(batch);
    const [row] = coalesce(cells, pairs.key, WIDTH, [0], false).updated as [number];
    expect(batch.bytes.toString('utf8', cells.start(row, 0), cells.end(row, 0))).toBe('big');
  });
});

/** What a source sends for the wish, and what it does to the model. */
function enact(
  model: Map<string, Cell[]>,
  w: { kind: string; key: [string, string]; to: [string, string]; x: Cell; y: Cell },
): Change[] {
  const old = model.get(JSON.stringify(w.key));
  if (w.kind === 'put') {
    const row: Cell[] = [...w.key, w.x, w.y];
    if (old === undefined) {
      const whole = merged(row, [...w.key, 'fresh', 'fresh']);
      model.set(keyOf(whole), whole);
      return [insert(pairs, ...whole)];
    }
    model.set(keyOf(row), merged(row, old));
    return [update(pairs, ...row)];
  }
  if (old === undefined) return [];
  if (w.kind === 'remove') {
    model.delete(keyOf(old));
    return [remove(pairs, ...w.key, null, null)];
  }
  if (model.has(JSON.stringify(w.to))) return [];
  model.delete(keyOf(old));
  const row: Cell[] = [...w.to, w.x, w.y];
  model.set(keyOf(row), merged(row, old));
  return [keyChange(pairs, [...w.key, null, null], row)];
}

test('a key change whose old key was just made starts a new run', () => {
  const batch = batchOf([
    keyChange(pairs, ['1', 'a', null, null], ['2', 'a', 'x', 'y']),
    keyChange(pairs, ['3', 'a', null, null], ['5', 'a', 'x', 'y']),
    keyChange(pairs, ['2', 'a', null, null], ['4', 'a', 'x', 'y']),
  ]);
  expect(cutRuns(batch, pairs.key, [0, 1, 2]).map((run) => run.changes)).toEqual([[0, 1], [2]]);
  expect(batch.op[0]).toBe(Op.keyChange);
});

test('a key change whose new key was just left starts a new run, as in a swap by way of a third value', () => {
  const batch = batchOf([
    keyChange(pairs, ['1', 'a', null, null], ['9', 'a', 'x', 'y']),
    keyChange(pairs, ['2', 'a', null, null], ['1', 'a', 'x', 'y']),
    keyChange(pairs, ['9', 'a', null, null], ['2', 'a', 'x', 'y']),
  ]);
  expect(cutRuns(batch, pairs.key, [0, 1, 2]).map((run) => run.changes)).toEqual([[0], [1], [2]]);
  expect(batch.op[0]).toBe(Op.keyChange);
});
