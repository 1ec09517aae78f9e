import type { CopyProgress } from '../../../change/copy-state.ts';
import { tableName } from '../../../change/table-schema.ts';
import type { ActiveCopy } from './active-copy.ts';

/** How far the copies of a list are, for people. */
export class CopyMeter {
  /** Of the table that was copied last; undefined before the first row. */
  progress: CopyProgress | undefined;
  #done = 0;

  /** So many rows of a table are stored; `waiting` copies of the list, that one included, are not whole. */
  copied({ copy, estimatedRows }: ActiveCopy, rows: number, waiting: number): void {
    this.#note(copy, estimatedRows, rows, waiting, undefined);
  }

  /** A table is whole; `waiting` copies of the list are left, of which none goes on now if `isLast`. */
  ended({ copy, estimatedRows }: ActiveCopy, rows: number, waiting: number, isLast: boolean): void {
    this.#done++;
    this.#note(copy, estimatedRows, rows, waiting, 100);
    if (isLast) this.#done = 0;
  }

  #note(copy: ActiveCopy['copy'], estimatedRows: number, rows: number, waiting: number, whole: 100 | undefined): void {
    const tables = this.#done + waiting;
    const estimate = Math.max(estimatedRows, rows);
    const percent = whole ?? Math.min(99, Math.floor((100 * rows) / Math.max(1, estimate)));
    this.progress = { tables, tablesDone: this.#done, rows, estimatedRows: estimate, percent, table: tableName(copy) };
  }
}
