import { Batch, NULL, Op, type Transaction, UNCHANGED } from '../../../change/batch.ts';
import type { TableSchema } from '../../../change/table-schema.ts';
import { appendCopyLine } from '../../snapshot/copy-rows.ts';

/** Rough bytes of a row besides its text and cells. */
const ROW_BYTES = 150;
const CELL_BYTES = 8;

/**
 * Rows of one chunk, from when they were read to when the stream has come that far: what it brings of the same table meanwhile is newer, and
 * takes rows out by their old and their new key.
 */
export class ChunkWindow {
  readonly table: TableSchema;
  readonly #rows = new Batch();
  readonly #byKey = new Map<string, number>();
  readonly #shows: (xid: number) => boolean;
  #gone = 0;

  /** `shows` tells of which transactions the chunk's snapshot shows the changes. */
  constructor(table: TableSchema, shows: (xid: number) => boolean) {
    this.table = table;
    this.#shows = shows;
    this.#rows.tables.push(table);
  }

  /** Rough size of what is kept. */
  get size(): number {
    const { byteLength, length, cellCount } = this.#rows;
    return byteLength + length * ROW_BYTES + cellCount * CELL_BYTES;
  }

  /** Rows that were not taken out. */
  get count(): number {
    return this.#rows.length - this.#gone;
  }

  /** Adds a line of COPY, its columns being those of the table. */
  add(line: Buffer): void {
    const rows = this.#rows;
    const row = rows.cellCount;
    appendCopyLine(rows, line);
    const change = rows.addChange(Op.read, 0, 0, 0, -1, row);
    this.#byKey.set(this.#keyAt(rows, row), change);
  }

  /** Takes out what change `i` is newer than; values that it lacks are the row's, if the row was there till now. True when none is lacking any more. */
  touch(batch: Batch, i: number): boolean {
    const [before, after] = [batch.before[i] as number, batch.after[i] as number];
    const old = before < 0 ? undefined : this.#take(batch, before, before);
    const now = after < 0 ? undefined : this.#take(batch, after, before);
    if (after < 0) return true;
    const row = batch.op[i] !== Op.keyChange ? (old ?? now) : this.#isShown(batch, i) ? now : old;
    return row === undefined ? !lacksValues(batch, i) : this.#fill(batch, after, row);
  }

  /** A row that was read behind its key change stands under the new key, and perhaps another one under the old key; else it is the other way round. */
  #isShown(batch: Batch, i: number): boolean {
    return this.#shows(batch.transactions[batch.transaction[i] as number]?.xid ?? 0);
  }

  /** A TRUNCATE takes out all rows: those that are there behind it, the stream brings. */
  clear(): void {
    this.#byKey.clear();
    this.#rows.op.fill(Op.control, 0, this.#rows.length);
    this.#gone = this.#rows.length;
  }

  /** Appends the rows that are left to a batch whose cells it lends. */
  moveTo(batch: Batch, transaction: Transaction, table: TableSchema): void {
    const { op, after, cells, cellCount, bytes, byteLength, length } = this.#rows;
    Object.assign(batch, { cells, cellCount, bytes, byteLength });
    const slot = batch.tables.push(table) - 1;
    for (let i = 0; i < length; i++)
      if (op[i] === Op.read) batch.addChange(Op.read, slot, 0, transaction.commitLsn, -1, after[i] as number);
  }

  /** Takes the row of this key out; returns its first cell. */
  #take(batch: Batch, row: number, other: number): number | undefined {
    const key = this.#keyAt(batch, row, other);
    const change = this.#byKey.get(key);
    if (change === undefined) return undefined;
    this.#byKey.delete(key);
    this.#rows.op[change] = Op.control;
    this.#gone++;
    return this.#rows.after[change] as number;
  }

  #fill(batch: Batch, after: number, row: number): boolean {
    const { cells, bytes } = this.#rows;
    for (let c = 0; c < this.table.columns.length; c++) {
      const at = 2 * (after + c);
      if (batch.cells[at + 1] !== UNCHANGED) continue;
      const [start, end] = [cells[2 * (row + c)] as number, cells[2 * (row + c) + 1] as number];
      if (end === NULL) {
        batch.cells[at] = 0;
        batch.cells[at + 1] = NULL;
        continue;
      }
      const to = batch.reserve(end - start);
      bytes.copy(batch.bytes, to, start, end);
      batch.byteLength = to + end - start;
      batch.cells[at] = to;
      batch.cells[at + 1] = batch.byteLength;
    }
    return true;
  }

  /** The key's texts as one; cells that were not sent are those of the other row. */
  #keyAt({ cells, bytes }: Batch, row: number, other = -1): string {
    const texts = this.table.key.map((ordinal) => {
      const isSent = cells[2 * (row + ordinal) + 1] !== UNCHANGED;
      const at = 2 * ((isSent || other < 0 ? row : other) + ordinal);
      const end = cells[at + 1] as number;
      return end < 0 ? null : bytes.toString('latin1', cells[at], end);
    });
    return texts.length === 1 ? (texts[0] ?? '') : JSON.stringify(texts);
  }
}

/** Whether the row behind the change lacks values. */
export function lacksValues(batch: Batch, i: number): boolean {
  return columnsLacking(batch, i).length > 0;
}

/** Ordinals of the columns that the new row of a change lacks. */
export function columnsLacking(batch: Batch, i: number): number[] {
  const after = batch.after[i] as number;
  const width = batch.tables[batch.table[i] as number]?.columns.length ?? 0;
  return Array.from({ length: width }, (_, c) => c).filter((c) => batch.cells[2 * (after + c) + 1] === UNCHANGED);
}

/** Whether both have the same columns and key, so that their rows have the same cells. */
export function hasSameCells(a: TableSchema, b: TableSchema): boolean {
  const shape = ({ schema, name, columns, key }: TableSchema): string =>
    JSON.stringify([schema, name, key, columns.map((each) => [each.name, each.type.oid, each.type.modifier])]);
  return shape(a) === shape(b);
}
