import type { CopyRequests } from './copy-request.ts';
import type { CopyState } from './copy-state.ts';
import type { DdlCommand } from './ddl.ts';
import type { Position } from './position.ts';
import type { SequenceState } from './sequence-state.ts';
import type { TableSchema } from './table-schema.ts';

/** What happened to a row. Numbers, because batches are columnar; they also stand in record headers (docs/format.md). */
export const Op = {
  /** Says something that is not a row: see `Control`. */
  control: 0,
  insert: 1,
  /** The key did not change. `before` is present only under identity FULL. */
  update: 2,
  delete: 3,
  /** An update that changed the key: `before` holds the old key (or the whole old row). */
  keyChange: 4,
  /** A row that a snapshot read. */
  read: 5,
} as const;
export type Op = (typeof Op)[keyof typeof Op];

/** What a control change says. The one union on the way of a row; rows themselves are columns of numbers. */
export type Control =
  /** A new table version; comes before the first row that uses it. */
  | { readonly kind: 'table'; readonly table: TableSchema }
  /** One TRUNCATE statement, all its tables. */
  | {
      readonly kind: 'truncate';
      readonly tables: readonly TableSchema[];
      readonly cascade: boolean;
      readonly restartIdentity: boolean;
    }
  /** The copy of these tables starts (again): what a replica has of an earlier, unfinished copy is void. */
  | { readonly kind: 'snapshot-begin'; readonly tables: readonly TableSchema[] }
  /** An unfinished copy goes on under a newer snapshot: what a replica has of these tables, and only of these, is void. */
  | { readonly kind: 'snapshot-again'; readonly tables: readonly TableSchema[] }
  | { readonly kind: 'snapshot-end'; readonly tables: readonly TableSchema[] }
  /** A DDL statement, exactly where it stood between the rows. */
  | { readonly kind: 'ddl'; readonly ddl: DdlCommand }
  /** Where sequences stand: at or beyond every row before this. */
  | { readonly kind: 'sequences'; readonly sequences: readonly SequenceState[] };

/** The source's own transaction that a change belongs to. For snapshot rows: the snapshot. */
export interface Transaction {
  /** 32-bit transaction id; 0 for a snapshot. */
  readonly xid: number;
  /** The commit record's LSN, known at BEGIN; for a snapshot its consistent point. */
  readonly commitLsn: number;
  /** Commit time, microseconds since 1970 (a safe integer until the year 2255). */
  readonly commitTimeUs: number;
}

/** Above so many bytes a native copy is faster. */
const NATIVE_BYTES = 96;
const NO_VIEW = new DataView(new ArrayBuffer(0));

/** Another view of the same bytes, which reads and writes several at a time wherever they stand. */
export function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Ends in `cells` that are not ends: the cell has no bytes. */
export const NULL = -1;
export const UNCHANGED = -2;

/**
 * Changes in commit order, as columns over shared bytes; bounded in bytes by whoever fills it.
 *
 * Change i is `op[i]` on `tables[table[i]]` (for `Op.control`: `controls[table[i]]`) in `transactions[transaction[i]]`;
 * `before[i]` and `after[i]` are the number of its first cell, or -1. Cell c is `bytes[cells[2c] .. cells[2c+1])`:
 * the column's Postgres text. `cells[2c+1]` is `NULL` for SQL NULL, and `UNCHANGED` for a TOAST value that was not sent.
 * A row has one cell per column of its table version; a `before` that is only a key has NULL in the other cells.
 */
export class Batch {
  tables: TableSchema[] = [];
  transactions: Transaction[] = [];
  controls: Control[] = [];
  length = 0;
  op: Uint8Array;
  table: Int32Array;
  transaction: Int32Array;
  /** The row's own LSN: for people and envelopes; it repeats and is never a position (Invariant 2). */
  lsn: Float64Array;
  before: Int32Array;
  after: Int32Array;
  cellCount = 0;
  cells: Int32Array;
  byteLength = 0;
  bytes: Buffer;
  #view: DataView = NO_VIEW;
  /** The bytes that `#view` is of. */
  #viewed: Buffer | undefined;
  /** Where to resume after this batch; absent when it ends inside a transaction. */
  position: Position | undefined;
  /** The server waits for an answer about `position` (a keepalive that asks for a reply). */
  urgent = false;
  /** False while a first snapshot is being copied: a replica of this state is not yet a state of the source. */
  consistent = true;
  /** How far the copy is once this batch is stored; absent when there is nothing to go on with. */
  copy: CopyState | undefined;
  /** Copies that are made while the stream goes on, as of this batch; absent: as before. Of their tables a replica has only a part. */
  requests: CopyRequests | undefined;

  constructor(changes: number = 256, cells: number = 2048, bytes: number = 64 * 1024) {
    this.op = new Uint8Array(changes);
    this.table = new Int32Array(changes);
    this.transaction = new Int32Array(changes);
    this.lsn = new Float64Array(changes);
    this.before = new Int32Array(changes);
    this.after = new Int32Array(changes);
    this.cells = new Int32Array(cells * 2);
    this.bytes = Buffer.allocUnsafeSlow(bytes);
  }

  /** Empties the batch for reuse; its memory stays. */
  clear(): void {
    this.tables = [];
    this.transactions = [];
    this.controls = [];
    this.length = 0;
    this.cellCount = 0;
    this.byteLength = 0;
    this.position = undefined;
    this.urgent = false;
    this.consistent = true;
    this.copy = undefined;
    this.requests = undefined;
  }

  /** Adds a change and returns its number. Its cells are added before or after, by `addCell`/`copyCell`. */
  addChange(op: Op, table: number, transaction: number, lsn: number, before: number, after: number): number {
    const i = this.length++;
    if (i === this.op.length) this.#growChanges();
    this.op[i] = op;
    this.table[i] = table;
    this.transaction[i] = transaction;
    this.lsn[i] = lsn;
    this.before[i] = before;
    this.after[i] = after;
    return i;
  }

  addControl(control: Control, transaction: number, lsn: number): void {
    this.controls.push(control);
    this.addChange(Op.control, this.controls.length - 1, transaction, lsn, -1, -1);
  }

  /** Adds a cell whose bytes are already in `bytes`, or `end` NULL / UNCHANGED. */
  addCell(start: number, end: number): void {
    const c = this.cellCount++;
    if (2 * c === this.cells.length) this.reserveCells(1);
    this.cells[2 * c] = start;
    this.cells[2 * c + 1] = end;
  }

  /** Makes room for `count` more cells after those that `cellCount` counts. */
  reserveCells(count: number): void {
    const needed = 2 * (this.cellCount + count);
    if (needed <= this.cells.length) return;
    this.cells = grown(this.cells, new Int32Array(Math.max(needed, this.cells.length * 2)));
  }

  /** Adds `count` cells that are NULL. */
  addNulls(count: number): void {
    const from = 2 * this.cellCount;
    const to = from + 2 * count;
    this.reserveCells(count);
    const { cells } = this;
    for (let at = from; at < to; at += 2) {
      cells[at] = 0;
      cells[at + 1] = NULL;
    }
    this.cellCount += count;
  }

  /** Makes room for `size` more bytes and returns where they may be written; the caller advances `byteLength`. */
  reserve(size: number): number {
    const needed = this.byteLength + size;
    if (needed > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
      this.bytes.copy(larger, 0, 0, this.byteLength);
      this.bytes = larger;
    }
    return this.byteLength;
  }

  /**
   * Appends `source[start..start + size)` to `bytes`; `view` is of the same source. Up to some hundred bytes are moved four at a time:
   * a native copy costs as much as a hundred of them.
   */
  append(source: Buffer, view: DataView, start: number, size: number): void {
    const at = this.reserve(size);
    const { bytes } = this;
    this.byteLength = at + size;
    if (size > NATIVE_BYTES) {
      source.copy(bytes, at, start, start + size);
      return;
    }
    if (this.#viewed !== bytes) {
      this.#view = viewOf(bytes);
      this.#viewed = bytes;
    }
    const target = this.#view;
    let i = 0;
    for (; i + 4 <= size; i += 4) target.setInt32(at + i, view.getInt32(start + i, true), true);
    for (; i < size; i++) bytes[at + i] = source[start + i] as number;
  }

  /** Copies `source[start..end)` into `bytes` as a new cell. */
  copyCell(source: Buffer, start: number, end: number): void {
    const at = this.reserve(end - start);
    source.copy(this.bytes, at, start, end);
    this.byteLength = at + end - start;
    this.addCell(at, this.byteLength);
  }

  #growChanges(): void {
    const size = this.op.length * 2;
    this.op = grown(this.op, new Uint8Array(size));
    this.table = grown(this.table, new Int32Array(size));
    this.transaction = grown(this.transaction, new Int32Array(size));
    this.lsn = grown(this.lsn, new Float64Array(size));
    this.before = grown(this.before, new Int32Array(size));
    this.after = grown(this.after, new Int32Array(size));
  }
}

function grown<T extends Uint8Array | Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
