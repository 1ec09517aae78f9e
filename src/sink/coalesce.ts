import { type Batch, Op, UNCHANGED } from '../change/batch.ts';
import { KeyIndex } from './key-index.ts';
import type { RowCells } from './row-cells.ts';

/** What is left to do per key; each key is in at most one list. Rows are numbers as in `RowCells`. */
export interface NetChanges {
  /** Rows that were not there and are complete. */
  readonly inserted: number[];
  /** Rows that were there; some lack UNCHANGED cells. */
  readonly updated: number[];
  /** Complete rows that may be there. */
  readonly upserted: number[];
  /** Rows (their key cells) that were there and go. */
  readonly deleted: number[];
  /** Rows that go, if they are there. */
  readonly erased: number[];
  /** False when the changes contradict each other (an insert of a row that is there): only their exact order can tell. */
  regular: boolean;
}

/** Whether a row was there before its first change. */
const ABSENT = 0;
const PRESENT = 1;
const UNKNOWN = 2;
/** In place of a row: deleted. Rows put together count down from -1, so this cannot be one. */
const GONE = -0x80000000;

/**
 * Folds the chain of changes of each key into one. `changes` are numbers of inserts, updates, deletes and reads of one
 * table with key, in order and without key changes. When `lenient`, nothing is known about what the target has.
 */
export function coalesce(
  rows: RowCells,
  key: readonly number[],
  width: number,
  changes: readonly number[],
  lenient: boolean,
): NetChanges {
  const { batch } = rows;
  const index = new KeyIndex(batch, key, changes.length);
  const before = new Uint8Array(changes.length);
  const now = new Int32Array(changes.length);
  const keys = new Int32Array(changes.length);
  let regular = true;
  for (const i of changes) {
    const op = batch.op[i] as Op;
    const row = op === Op.delete ? (batch.before[i] as number) : rowWithKey(rows, key, width, i);
    const size = index.size;
    const entry = index.add(op === Op.delete ? row : (batch.after[i] as number), batch.before[i] as number);
    if (entry === size) {
      before[entry] = lenient || op === Op.read ? UNKNOWN : op === Op.insert ? ABSENT : PRESENT;
      keys[entry] = row;
      now[entry] = op === Op.delete ? GONE : row;
      continue;
    }
    const last = now[entry] as number;
    if (!lenient && op !== Op.read) regular &&= (op === Op.insert) === (last === GONE);
    if (op === Op.delete) now[entry] = GONE;
    else
      now[entry] = op === Op.update && last !== GONE && rows.isPartial(row, width) ? rows.merge(row, last, width) : row;
  }
  return sortOut(rows, width, index.size, { before, now, keys }, regular);
}

interface Chains {
  readonly before: Uint8Array;
  readonly now: Int32Array;
  readonly keys: Int32Array;
}

function sortOut(rows: RowCells, width: number, size: number, chains: Chains, regular: boolean): NetChanges {
  const net: NetChanges = { inserted: [], updated: [], upserted: [], deleted: [], erased: [], regular };
  for (let entry = 0; entry < size; entry++) {
    const was = chains.before[entry] as number;
    const row = chains.now[entry] as number;
    const key = chains.keys[entry] as number;
    if (row === GONE) {
      if (was === PRESENT) net.deleted.push(key);
      else if (was === UNKNOWN) net.erased.push(key);
    } else if (was === ABSENT) net.inserted.push(row);
    else if (was === PRESENT || rows.isPartial(row, width)) net.updated.push(row);
    else net.upserted.push(row);
  }
  return net;
}

/** The row after change i; key cells that were not sent (large keys) are those of the old row. */
export function rowWithKey(rows: RowCells, key: readonly number[], width: number, i: number): number {
  const { batch } = rows;
  const after = batch.after[i] as number;
  if (batch.op[i] !== Op.update || (batch.before[i] as number) < 0) return after;
  if (!key.some((ordinal) => rows.end(after, ordinal) === UNCHANGED)) return after;
  const made = rows.next;
  for (let c = 0; c < width; c++) {
    const from = key.includes(c) && rows.end(after, c) === UNCHANGED ? (batch.before[i] as number) : after;
    rows.push(from, c);
  }
  return made;
}

/** A longer run is cut: every cut looks ahead as far as this. */
const MAX_REKEYS = 1000;

/** A stretch of one table's changes: to be coalesced, or key changes that one statement can make. */
export interface Run {
  readonly rekeys: boolean;
  readonly changes: readonly number[];
}

/**
 * Cuts the changes of a table with key into runs whose order must be kept. A key change starts a new run when its old key
 * is one that an earlier one of the same run made (both change the same row), or when its new key is one that an earlier one
 * left: within one statement nobody knows which row goes first, and a unique key would object.
 */
export function cutRuns(batch: Batch, key: readonly number[], changes: readonly number[]): Run[] {
  if (!hasRekeys(batch, changes)) return changes.length === 0 ? [] : [{ rekeys: false, changes }];
  const runs: { rekeys: boolean; changes: number[] }[] = [];
  let made: KeyIndex | undefined;
  let left: KeyIndex | undefined;
  for (const [n, i] of changes.entries()) {
    const rekeys = batch.op[i] === Op.keyChange;
    let run = runs.at(-1);
    const before = batch.before[i] as number;
    const after = batch.after[i] as number;
    const follows = rekeys && (made?.has(before, -1) || left?.has(after, before));
    const full = rekeys && run?.changes.length === MAX_REKEYS;
    if (run === undefined || run.rekeys !== rekeys || full || follows) {
      run = { rekeys, changes: [] };
      runs.push(run);
      const count = rekeys ? countRekeys(batch, changes, n) : 0;
      made = new KeyIndex(batch, key, count);
      left = new KeyIndex(batch, key, count);
    }
    run.changes.push(i);
    if (!rekeys) continue;
    made?.add(after, before);
    left?.add(before, -1);
  }
  return runs;
}

function hasRekeys(batch: Batch, changes: readonly number[]): boolean {
  for (let n = 0; n < changes.length; n++) if (batch.op[changes[n] as number] === Op.keyChange) return true;
  return false;
}

/** How many key changes follow each other from change number n of the list on. */
function countRekeys(batch: Batch, changes: readonly number[], n: number): number {
  let end = n;
  while (end < changes.length && end - n < MAX_REKEYS && batch.op[changes[end] as number] === Op.keyChange) end++;
  return end - n;
}
