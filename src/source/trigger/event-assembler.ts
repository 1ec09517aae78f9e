import { Batch, NULL, Op, type Transaction } from '../../change/batch.ts';
import { type TableSchema, tableName } from '../../change/table-schema.ts';
import { appendCopyLine } from '../snapshot/copy-rows.ts';
import { readComposite } from './composite-text.ts';
import type { RowLayout } from './shape.ts';

export interface EventAssemblerOptions {
  /** How the rows of a shape are read. */
  readonly layoutOf: (shape: number) => RowLayout;
  /** Tables whose version was told; others join with their first row. */
  readonly announced: Set<TableSchema>;
  /** What all changes of one read have as their LSN: everything was committed below. */
  readonly lsn: number;
  readonly maxBatchBytes: number;
}

/** Columns of a line, in the order in which `eventColumns` asks for them. */
const [ID, XID, AT, SHAPE, OP, OLD, NEW] = [0, 1, 2, 3, 4, 5, 6];

/** What a line of `COPY` has to have, of the events as `e`. */
export const EVENT_COLUMNS: string =
  'e.id, e.xid, (extract(epoch from e.at) * 1000000)::int8, e.shape, e.op, e.old, e.new';

/** Makes batches of events, given as lines of COPY in the order in which they are to be told; pure. */
export class EventAssembler {
  readonly #options: EventAssemblerOptions;
  readonly #line = new Batch(1, 16, 64 * 1024);
  #batch = new Batch();
  /** By table, its place in the batch. */
  #tables = new Map<TableSchema, number>();
  /** By full transaction id, its place in the batch. */
  #transactions = new Map<number, number>();
  /** Tables that a transaction has truncated, until it or somebody else goes on with them. */
  readonly #truncated = new Map<number, { readonly tables: Set<TableSchema>; readonly at: number }>();
  #places = { starts: new Int32Array(64), ends: new Int32Array(64) };
  /** The greatest number of an event so far. */
  lastId = 0;

  constructor(options: EventAssemblerOptions) {
    this.#options = options;
  }

  /** Adds the event of a line; true when the batch is full and to be taken. */
  add(copied: Buffer): boolean {
    const line = this.#line;
    line.clear();
    if (appendCopyLine(line, copied) !== NEW + 1) throw new Error('An event has another number of columns');
    const id = this.#number(ID);
    if (id > this.lastId) this.lastId = id;
    const op = line.bytes[line.cells[2 * OP] as number];
    const layout = this.#options.layoutOf(this.#number(SHAPE));
    if (op === MARK || !layout.isCaptured) return false;
    const [xid, at] = [this.#number(XID), this.#number(AT)];
    if (op === TRUNCATE) {
      this.#truncate(xid, at, layout);
      return false;
    }
    if (this.#truncated.size > 0) this.#endTruncations(xid, layout.table);
    this.#row(op, layout, this.#transaction(xid, at));
    return this.#size() >= this.#options.maxBatchBytes;
  }

  /** The batch so far; what is added next begins another one. */
  take(): Batch {
    const batch = this.#batch;
    this.#batch = new Batch();
    this.#tables = new Map();
    this.#transactions = new Map();
    return batch;
  }

  /** Nothing follows. */
  end(): Batch {
    for (const xid of this.#truncated.keys()) this.#endTruncation(xid);
    return this.take();
  }

  #row(op: number | undefined, layout: RowLayout, transaction: number): void {
    const batch = this.#batch;
    const table = this.#tableOf(layout, transaction);
    const before = op === INSERT ? -1 : this.#cells(OLD, layout);
    const after = op === DELETE ? -1 : this.#cells(NEW, layout);
    batch.addChange(this.#opOf(op, layout.table, before, after), table, transaction, this.#options.lsn, before, after);
  }

  #opOf(op: number | undefined, { key }: TableSchema, before: number, after: number): Op {
    if (op === INSERT) return Op.insert;
    if (op === DELETE) return Op.delete;
    if (op !== UPDATE) throw new Error(`An event is of an unknown kind (${op})`);
    return key.some((i) => !isSameCell(this.#batch, before + i, after + i)) ? Op.keyChange : Op.update;
  }

  /** Adds the cells of a row whose text stands in this column of the line; returns the number of the first. */
  #cells(column: number, { cells, table }: RowLayout): number {
    const [line, batch] = [this.#line, this.#batch];
    const first = batch.cellCount;
    const count = table.columns.length;
    const start = line.cells[2 * column] as number;
    const end = line.cells[2 * column + 1] as number;
    if (end === NULL) throw new Error(`An event of table ${tableName(table)} lacks a row`);
    const { starts, ends } = this.#reservePlaces(count);
    ends.fill(NULL, 0, count);
    const fields = readComposite(line.bytes, start, end, (number, from, to) => {
      const cell = cells[number] ?? -1;
      if (cell < 0) return;
      starts[cell] = from;
      ends[cell] = to;
    });
    if (fields !== Math.max(cells.length, 1))
      throw new Error(`A captured row of table ${tableName(table)} has ${fields} fields, not ${cells.length}`);
    const shift = batch.reserve(end - start) - start;
    line.bytes.copy(batch.bytes, start + shift, start, end);
    batch.byteLength = end + shift;
    batch.reserveCells(count);
    for (let i = 0; i < count; i++) {
      const to = ends[i] as number;
      if (to === NULL) batch.addCell(0, NULL);
      else batch.addCell((starts[i] as number) + shift, to + shift);
    }
    return first;
  }

  #reservePlaces(count: number): { starts: Int32Array; ends: Int32Array } {
    if (count > this.#places.starts.length)
      this.#places = { starts: new Int32Array(count * 2), ends: new Int32Array(count * 2) };
    return this.#places;
  }

  #truncate(xid: number, at: number, layout: RowLayout): void {
    this.#tableOf(layout, this.#transaction(xid, at));
    const pending = this.#truncated.get(xid);
    if (pending) pending.tables.add(layout.table);
    else this.#truncated.set(xid, { tables: new Set([layout.table]), at });
  }

  /** One statement truncates tables that refer to each other; what it says of each arrives by itself. */
  #endTruncations(xid: number, table: TableSchema): void {
    for (const [truncating, { tables }] of this.#truncated) {
      const isSame = [...tables].some(({ relationId }) => relationId === table.relationId);
      if (truncating === xid || isSame) this.#endTruncation(truncating);
    }
  }

  #endTruncation(xid: number): void {
    const pending = this.#truncated.get(xid);
    if (!pending) return;
    this.#truncated.delete(xid);
    const control = { kind: 'truncate', tables: [...pending.tables], cascade: false, restartIdentity: false } as const;
    this.#batch.addControl(control, this.#transaction(xid, pending.at), this.#options.lsn);
  }

  #tableOf(layout: RowLayout, transaction: number): number {
    const batch = this.#batch;
    let place = this.#tables.get(layout.table);
    if (place !== undefined) return place;
    if (!this.#options.announced.has(layout.table)) {
      batch.addControl({ kind: 'table', table: layout.table }, transaction, this.#options.lsn);
      this.#options.announced.add(layout.table);
    }
    place = batch.tables.push(layout.table) - 1;
    this.#tables.set(layout.table, place);
    return place;
  }

  #transaction(xid: number, commitTimeUs: number): number {
    let place = this.#transactions.get(xid);
    if (place === undefined) {
      const transaction: Transaction = { xid: xid % 2 ** 32, commitLsn: this.#options.lsn, commitTimeUs };
      place = this.#batch.transactions.push(transaction) - 1;
      this.#transactions.set(xid, place);
    }
    return place;
  }

  /** A number in this column of the line, below 2^53. */
  #number(column: number): number {
    const { bytes, cells } = this.#line;
    const end = cells[2 * column + 1] as number;
    let value = 0;
    for (let i = cells[2 * column] as number; i < end; i++) value = value * 10 + (bytes[i] as number) - 48;
    return value;
  }

  #size(): number {
    const batch = this.#batch;
    return batch.byteLength + batch.length * 29 + batch.cellCount * 8;
  }
}

const [INSERT, UPDATE, DELETE, TRUNCATE, MARK] = Buffer.from('iudtx');

function isSameCell({ bytes, cells }: Batch, a: number, b: number): boolean {
  const [startA, endA] = [cells[2 * a] as number, cells[2 * a + 1] as number];
  const [startB, endB] = [cells[2 * b] as number, cells[2 * b + 1] as number];
  if (endA === NULL || endB === NULL) return endA === endB;
  return bytes.compare(bytes, startB, endB, startA, endA) === 0;
}
