import type pg from 'pg';
import { Batch, Op, type Transaction } from '../../change/batch.ts';
import type { KeyText } from '../../change/copy-state.ts';
import { type TableSchema, tableName } from '../../change/table-schema.ts';
import { TransientError } from '../../errors.ts';
import { postgresError, sqlState } from '../../postgres/errors.ts';
import { boundaryStatement, copyStatement, type SnapshotTable } from './chunk-sql.ts';
import { appendCopyLine } from './copy-rows.ts';
import { copyOut } from './copy-out.ts';
import type { Handover } from './handover.ts';
import type { Chunk } from './work-list.ts';

/** Rows that were read, and the chunks that end with them. */
export interface Portion {
  readonly batch: Batch;
  readonly rows: number;
  readonly finished: readonly FinishedChunk[];
}

export interface FinishedChunk {
  readonly chunk: Chunk;
  readonly rows: number;
}

/** What all readers of one copy share. */
export interface ReaderShare {
  readonly tables: readonly SnapshotTable[];
  readonly transaction: Transaction;
  readonly maxBatchBytes: number;
  readonly handover: Handover<Portion>;
}

const UNDEFINED_COLUMN = '42703';

/** Copies chunks on one connection, and hands their rows on as `Op.read` in batches; the socket waits for whoever takes them. */
export class CopyReader {
  readonly #client: pg.ClientBase;
  readonly #share: ReaderShare;
  #batch: Batch;
  /** Rows in the batch. */
  #rows = 0;
  #finished: FinishedChunk[] = [];

  constructor(client: pg.ClientBase, share: ReaderShare) {
    this.#client = client;
    this.#share = share;
    this.#batch = this.#newBatch();
  }

  /** The key at which to cut an open range; undefined when the rest of it is one chunk. */
  async boundary({ table, range }: Chunk): Promise<KeyText | undefined> {
    const source = this.#share.tables[table] as SnapshotTable;
    if (range.to !== null || source.rangeColumns.length === 0 || source.chunkRows === Number.POSITIVE_INFINITY)
      return undefined;
    const query = { text: boundaryStatement(source, range), rowMode: 'array' as const, types: AS_TEXT };
    try {
      const { rows } = await this.#client.query<string[]>(query);
      return rows[0];
    } catch (error) {
      throw failure(error, source.table);
    }
  }

  async copy(chunk: Chunk): Promise<void> {
    const source = this.#share.tables[chunk.table] as SnapshotTable;
    const { handover } = this.#share;
    let rows = 0;
    const line = (bytes: Buffer): boolean => {
      this.#add(source.table, bytes);
      rows++;
      return sizeOf(this.#batch) >= this.#share.maxBatchBytes && this.#handOn();
    };
    try {
      await copyOut(this.#client, copyStatement(source, chunk.range), line, () => handover.drained(this));
    } catch (error) {
      throw failure(error, source.table);
    }
    this.#finished.push({ chunk, rows });
    // Small tables share a batch; what is cut into chunks is not to be read again because of what comes next.
    const isCut = chunk.range.from !== null || chunk.range.to !== null;
    if (isCut) await this.flush();
  }

  /** Hands on what there is, and waits until it is taken. */
  async flush(): Promise<void> {
    if (this.#rows > 0 || this.#finished.length > 0) this.#handOn();
    await this.#share.handover.drained(this);
  }

  #add(table: TableSchema, line: Buffer): void {
    const batch = this.#batch;
    const row = batch.cellCount;
    const cells = appendCopyLine(batch, line);
    const columns = table.columns.length;
    // A table without captured columns has empty lines.
    if (cells !== Math.max(columns, 1))
      throw new Error(`COPY gave ${cells} columns of ${tableName(table)}, not ${columns}`);
    if (batch.tables.at(-1) !== table) batch.tables.push(table);
    batch.addChange(Op.read, batch.tables.length - 1, 0, this.#share.transaction.commitLsn, -1, row);
    this.#rows++;
  }

  #handOn(): true {
    this.#share.handover.put({ batch: this.#batch, rows: this.#rows, finished: this.#finished }, this);
    this.#batch = this.#newBatch();
    this.#rows = 0;
    this.#finished = [];
    return true;
  }

  /** Batches are not used again here: a copy is bounded by the network and the log, not by allocation. */
  #newBatch(): Batch {
    const batch = new Batch();
    batch.transactions.push(this.#share.transaction);
    return batch;
  }
}

/** Keys travel as the server prints them. */
const AS_TEXT = { getTypeParser: () => (text: string) => text };

function sizeOf(batch: Batch): number {
  return batch.byteLength + batch.length * 29 + batch.cellCount * 8;
}

function failure(error: unknown, table: TableSchema): unknown {
  // Before the table was locked: its columns are told as of the snapshot.
  if (sqlState(error) === UNDEFINED_COLUMN) {
    const what = `A column of table ${tableName(table)} was renamed or dropped while the copy began: it begins anew`;
    return new TransientError(what, { cause: error });
  }
  return postgresError(error, `Cannot copy table ${tableName(table)}`);
}
