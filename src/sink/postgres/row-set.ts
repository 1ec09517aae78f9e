import type { RowCells } from '../row-cells.ts';

/** One column of a row set as SQL sees it. */
export interface SetColumn {
  /** Where the cell stands in the row. */
  readonly ordinal: number;
  /** Its name inside the statement: never one from outside (`c3`, `o0`). */
  readonly alias: string;
  /** The target column's type without modifier, so that a cast never cuts a value short. */
  readonly type: string;
}

/** Some columns of some rows: what a statement brings to the target. */
export interface RowSet {
  readonly cells: RowCells;
  readonly rows: readonly number[];
  readonly columns: readonly SetColumn[];
}

/** The bytes of the set's values, without quotes or separators; stops counting above `limit`. */
export function byteSize(set: RowSet, limit: number): number {
  let size = 0;
  for (const row of set.rows) {
    for (const { ordinal } of set.columns) {
      const end = set.cells.end(row, ordinal);
      size += end < 0 ? 4 : end - set.cells.start(row, ordinal);
    }
    if (size > limit) break;
  }
  return size;
}
