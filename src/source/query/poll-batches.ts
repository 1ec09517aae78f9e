import { Batch, type Control, NULL, Op, type Transaction } from '../../change/batch.ts';
import { type TableSchema, tableName } from '../../change/table-schema.ts';
import { appendCopyLine } from '../snapshot/copy-rows.ts';
import { type PollPlace, toPosition } from './poll-state.ts';

/** Rough bytes of a change and a cell besides their text, so that narrow rows are bounded too. */
const CHANGE_BYTES = 29;
const CELL_BYTES = 8;

/**
 * Puts what a poll finds into batches. A batch is handed out when the next change does not fit any more, so that the last one, which has the
 * poll's position, is never empty.
 */
export class PollBatches {
  readonly #transaction: Transaction;
  readonly #maxBytes: number;
  readonly #full: (batch: Batch) => void;
  #batch: Batch;
  /** Changes of the poll so far. */
  count = 0;

  constructor(transaction: Transaction, maxBytes: number, full: (batch: Batch) => void) {
    this.#transaction = transaction;
    this.#maxBytes = maxBytes;
    this.#full = full;
    this.#batch = this.#newBatch();
  }

  /** The batch that is not handed out yet; nothing is added any more. */
  last(): Batch {
    return this.#batch;
  }

  control(control: Control): void {
    this.#room().addControl(control, 0, 0);
  }

  /** The state of a row, from a line of COPY with one field per column. Returns true when a batch was handed out before it. */
  row(table: TableSchema, line: Buffer): boolean {
    const before = this.#batch;
    const batch = this.#room();
    const row = batch.cellCount;
    const cells = appendCopyLine(batch, line);
    const { length } = table.columns;
    // A table without captured columns has empty lines.
    if (cells !== Math.max(length, 1))
      throw new Error(`COPY gave ${cells} columns of ${tableName(table)}, not ${length}`);
    batch.addChange(Op.read, slotOf(batch, table), 0, 0, -1, row);
    return batch !== before;
  }

  /** A row that is gone, by the line of COPY that its key once was. */
  gone(table: TableSchema, key: Buffer): void {
    const batch = this.#room();
    const cells = new Batch(1, table.key.length, key.length);
    appendCopyLine(cells, key);
    const row = batch.cellCount;
    for (let column = 0; column < table.columns.length; column++) {
      const n = table.key.indexOf(column);
      if (n < 0) batch.addCell(0, NULL);
      else addCopied(batch, cells, n);
    }
    batch.addChange(Op.delete, slotOf(batch, table), 0, 0, row, -1);
  }

  #room(): Batch {
    const { byteLength, length, cellCount } = this.#batch;
    if (byteLength + length * CHANGE_BYTES + cellCount * CELL_BYTES >= this.#maxBytes) {
      this.#full(this.#batch);
      this.#batch = this.#newBatch();
    }
    this.count++;
    return this.#batch;
  }

  /** Not used again: a poll is bounded by the network and the log, not by allocation. */
  #newBatch(): Batch {
    const batch = new Batch();
    batch.transactions.push(this.#transaction);
    return batch;
  }
}

function slotOf(batch: Batch, table: TableSchema): number {
  if (batch.tables.at(-1) !== table) batch.tables.push(table);
  return batch.tables.length - 1;
}

function addCopied(batch: Batch, from: Batch, cell: number): void {
  const [start, end] = [from.cells[2 * cell] as number, from.cells[2 * cell + 1] as number];
  if (end < 0) return batch.addCell(0, end);
  const at = batch.reserve(end - start);
  from.bytes.copy(batch.bytes, at, start, end);
  batch.byteLength = at + end - start;
  batch.addCell(at, batch.byteLength);
}

/** Says how far a source is that has nothing to send. */
export function idle({ number, state }: PollPlace): Batch {
  const batch = new Batch(1, 1, 1);
  if (state !== undefined) batch.position = toPosition(number, state);
  return batch;
}
