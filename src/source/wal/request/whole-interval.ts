import type { Batch, Transaction } from '../../../change/batch.ts';
import type { CopyTarget } from '../../../change/copy-request.ts';
import { type TableSchema, tableName } from '../../../change/table-schema.ts';
import { OperatorError } from '../../../errors.ts';
import type { FirstCopyParts } from '../first-copy.ts';
import type { ChunkReader, Shown } from './chunk-reader.ts';
import { batchOf, control } from './interval.ts';
import { WholeCopy } from './whole-copy.ts';

/** A table that is read whole, as it is at the exact place of a snapshot. */
export interface WholeTable {
  readonly copy: WholeCopy;
  readonly shown: Shown;
}

/** Takes the snapshot and looks at the table in it; undefined when transactions of the source hold it up. */
export async function openWhole(
  parts: FirstCopyParts,
  reader: Pick<ChunkReader, 'show'>,
  target: CopyTarget,
  signal: AbortSignal,
): Promise<WholeTable | undefined> {
  const copy = await WholeCopy.open(parts, signal);
  if (copy === undefined) return undefined;
  try {
    const shown = await reader.show(copy, target);
    if (target.condition !== undefined && shown.source.table.key.length === 0) throw keyless(shown);
    return { copy, shown };
  } catch (error) {
    await copy[Symbol.asyncDispose]();
    throw error;
  }
}

/** How the rows of a whole table are told. */
export interface WholeInterval {
  readonly table: TableSchema;
  readonly transaction: Transaction;
  /** A replica keeps nothing of the table: there is no condition. */
  readonly isAll: boolean;
  readonly maxBatchBytes: number;
  /** Hears of every batch that is stored: rows so far. */
  readonly copied: (rows: number) => void;
}

/** The batches of the interval but for its last one, and their number of rows. */
export async function* wholeRows(
  { copy, shown }: WholeTable,
  { table, transaction, isAll, maxBatchBytes, copied }: WholeInterval,
  signal: AbortSignal,
): AsyncGenerator<Batch, number> {
  const first = batchOf(transaction);
  control(first, { kind: 'table', table });
  if (isAll) control(first, { kind: 'snapshot-again', tables: [table] });
  yield first;
  let rows = 0;
  // What fails from here on ends the run: an interval that was begun cannot be left out.
  for await (const batch of copy.rows(shown.source, table, transaction, maxBatchBytes)) {
    signal.throwIfAborted();
    rows += batch.length;
    yield batch;
    copied(rows);
  }
  return rows;
}

function keyless({ source }: Shown): OperatorError {
  return new OperatorError(`Table ${tableName(source.table)} has no key: a part of it cannot be copied`, {
    advice: 'Copy the whole table: leave the condition out.',
  });
}
