import { type Batch, UNCHANGED } from '../change/batch.ts';
import { PlainBytes } from './plain-bytes.ts';

/**
 * Rows by number: a row at or above zero is the first cell of a row in the batch, one below zero (`~n`) starts at cell n of
 * the rows that were put together here. All bounds point into the batch's bytes.
 */
export class RowCells {
  readonly batch: Batch;
  #made: Int32Array = new Int32Array(64);
  #madeCount = 0;
  #plain: PlainBytes | undefined;

  constructor(batch: Batch) {
    this.batch = batch;
  }

  /** Which of the batch's bytes stand for themselves in COPY's text. */
  get plain(): PlainBytes {
    this.#plain ??= new PlainBytes(this.batch.bytes.subarray(0, this.batch.byteLength));
    return this.#plain;
  }

  /** The array that holds the row's bounds; its first cell there is `first(row)`. */
  cells(row: number): Int32Array {
    return row < 0 ? this.#made : this.batch.cells;
  }

  first(row: number): number {
    return row < 0 ? ~row : row;
  }

  start(row: number, ordinal: number): number {
    return this.cells(row)[2 * (this.first(row) + ordinal)] as number;
  }

  /** The end in the batch's bytes, or NULL, or UNCHANGED. */
  end(row: number, ordinal: number): number {
    return this.cells(row)[2 * (this.first(row) + ordinal) + 1] as number;
  }

  isPartial(row: number, width: number): boolean {
    const cells = this.cells(row);
    const first = this.first(row);
    for (let i = 0; i < width; i++) if (cells[2 * (first + i) + 1] === UNCHANGED) return true;
    return false;
  }

  /** `newer`, with the cells it does not carry taken from `older`. */
  merge(newer: number, older: number, width: number): number {
    const made = this.#madeCount;
    for (let i = 0; i < width; i++) this.push(this.end(newer, i) === UNCHANGED ? older : newer, i);
    return ~made;
  }

  /** Adds one cell to the row that is being put together; `next` is its number before the first cell is added. */
  push(row: number, ordinal: number): void {
    const start = this.start(row, ordinal);
    const end = this.end(row, ordinal);
    if (2 * this.#madeCount === this.#made.length) {
      const larger = new Int32Array(this.#made.length * 2);
      larger.set(this.#made);
      this.#made = larger;
    }
    this.#made[2 * this.#madeCount] = start;
    this.#made[2 * this.#madeCount + 1] = end;
    this.#madeCount++;
  }

  get next(): number {
    return ~this.#madeCount;
  }
}
