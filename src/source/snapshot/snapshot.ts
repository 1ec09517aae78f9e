import type pg from 'pg';
import { Batch, type Control, Op, type Transaction } from '../../change/batch.ts';
import type { Position } from '../../change/position.ts';
import { type TableSchema, tableName } from '../../change/table-schema.ts';
import { TransientError } from '../../errors.ts';
import { failPoint } from '../../failpoint.ts';
import { postgresError, sqlState } from '../../postgres/errors.ts';
import { qualified, quoteIdentifier } from '../../postgres/identifier.ts';
import { appendCopyLine } from './copy-rows.ts';
import { copyOut } from './copy-out.ts';
import { Handover } from './handover.ts';

/** A table to copy, with the rows that are wanted. */
export interface SnapshotTable {
  readonly table: TableSchema;
  /** SQL condition, as the publication prints it. */
  readonly rowFilter: string | undefined;
  /** True: the rows are those of its partitions. False: the rows of tables that inherit from it are not its own. */
  readonly isPartitioned: boolean;
}

export interface SnapshotOptions {
  /** A connection inside a transaction that shows the state to copy. */
  readonly client: pg.ClientBase;
  readonly tables: readonly SnapshotTable[];
  readonly position: Position;
  /** The state's LSN and time. */
  readonly transaction: Transaction;
  readonly maxBatchBytes: number;
}

const UNDEFINED_COLUMN = '42703';

/**
 * Copies tables one after another: snapshot-begin and the table versions first, rows as `Op.read`, snapshot-end last; every batch has
 * the position, and only the last one is consistent. Memory stays below a few batches; the socket waits for whoever pulls.
 */
export async function* copyTables(options: SnapshotOptions, signal: AbortSignal): AsyncGenerator<Batch> {
  const handover = new Handover();
  const stop = (): void => handover.close(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  new SnapshotWriter(options, handover).run().then(
    () => handover.end(),
    (error: unknown) => handover.close(error),
  );
  try {
    for await (const batch of handover) {
      failPoint('source.snapshot-batch');
      yield batch;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    // Ends the copy at its next batch; whoever owns the connection closes it.
    handover.close(new Error('The snapshot was left'));
  }
}

class SnapshotWriter {
  readonly #options: SnapshotOptions;
  readonly #handover: Handover;
  #batch: Batch;

  constructor(options: SnapshotOptions, handover: Handover) {
    this.#options = options;
    this.#handover = handover;
    this.#batch = this.#newBatch();
  }

  async run(): Promise<void> {
    const tables = this.#options.tables.map(({ table }) => table);
    for (const table of tables) this.#control({ kind: 'table', table });
    this.#control({ kind: 'snapshot-begin', tables });
    for (const table of this.#options.tables) await this.#copy(table);
    this.#control({ kind: 'snapshot-end', tables });
    this.#batch.consistent = true;
    this.#handover.put(this.#batch);
    await this.#handover.drained();
  }

  async #copy(source: SnapshotTable): Promise<void> {
    const { table } = source;
    const { client, maxBatchBytes } = this.#options;
    const columns = table.columns.length;
    const line = (bytes: Buffer): boolean => {
      const row = this.#batch.cellCount;
      const cells = appendCopyLine(this.#batch, bytes);
      // A table without captured columns has empty lines.
      if (cells !== Math.max(columns, 1))
        throw new Error(`COPY gave ${cells} columns of ${tableName(table)}, not ${columns}`);
      this.#addRow(table, row);
      if (sizeOf(this.#batch) < maxBatchBytes) return false;
      this.#handover.put(this.#batch);
      this.#batch = this.#newBatch();
      return true;
    };
    try {
      await copyOut(client, copyStatement(source), line, () => this.#handover.drained());
    } catch (error) {
      // Before the table was locked: its columns are told as of the snapshot.
      if (sqlState(error) === UNDEFINED_COLUMN) {
        const what = `A column of table ${tableName(table)} was renamed or dropped while the copy began: it begins anew`;
        throw new TransientError(what, { cause: error });
      }
      throw postgresError(error, `Cannot copy table ${tableName(table)}`);
    }
  }

  #addRow(table: TableSchema, row: number): void {
    const batch = this.#batch;
    if (batch.tables.at(-1) !== table) batch.tables.push(table);
    batch.addChange(Op.read, batch.tables.length - 1, 0, this.#options.transaction.commitLsn, -1, row);
  }

  #control(control: Control): void {
    this.#batch.addControl(control, 0, this.#options.transaction.commitLsn);
  }

  /** Batches are not used again here: a copy is bounded by the network and the log, not by allocation. */
  #newBatch(): Batch {
    const batch = new Batch();
    batch.consistent = false;
    batch.position = this.#options.position;
    batch.transactions.push(this.#options.transaction);
    return batch;
  }
}

function sizeOf(batch: Batch): number {
  return batch.byteLength + batch.length * 29 + batch.cellCount * 8;
}

/** By a select, because COPY of a table's name leaves out partitions and knows no condition. */
function copyStatement({ table, rowFilter, isPartitioned }: SnapshotTable): string {
  const columns = table.columns.map(({ name }) => quoteIdentifier(name)).join(', ');
  const from = `${isPartitioned ? '' : 'only '}${qualified(table.schema, table.name)}`;
  return /* sql */ `copy (select ${columns} from ${from}${rowFilter === undefined ? '' : ` where ${rowFilter}`}) to stdout`;
}
