import type pg from 'pg';
import type { Batch, Transaction } from '../../../change/batch.ts';
import type { TableSchema } from '../../../change/table-schema.ts';
import { endStatementsWith } from '../../../postgres/bounded-client.ts';
import { connect } from '../../../postgres/connect.ts';
import type { SnapshotTable } from '../../snapshot/chunk-sql.ts';
import { CopyReader, type Portion } from '../../snapshot/copy-reader.ts';
import { Handover } from '../../snapshot/handover.ts';
import { type FirstCopyParts, importSnapshot } from '../first-copy.ts';
import { createTemporarySlot } from '../slot.ts';

/** The stream waits while the slot is created, which waits for every transaction that is running. */
const CREATE_MS = 2_000;

/** A snapshot whose place in the WAL is exact, to read one table whole. */
export class WholeCopy implements AsyncDisposable {
  /** The snapshot shows exactly what commits below. */
  readonly pointLsn: number;
  readonly client: pg.Client;

  private constructor(pointLsn: number, client: pg.Client) {
    this.pointLsn = pointLsn;
    this.client = client;
  }

  /** Takes the snapshot by a temporary slot; undefined when transactions of the source hold it up. */
  static async open(parts: FirstCopyParts, signal: AbortSignal): Promise<WholeCopy | undefined> {
    const { settings, application } = parts;
    const walsender = await connect(settings.connection, application, { replication: 'database' }, signal);
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      // A walsender that waits for a transaction does not notice that its client leaves: it would keep the slot.
      terminate(parts, walsender).catch(() => {}); // then it ends with the transaction
    }, CREATE_MS);
    const giveUp = (): void => void walsender.end().catch(() => {}); // the creation reports it
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      signal.throwIfAborted();
      const { consistentLsn, snapshot } = await createTemporarySlot(walsender);
      const client = await importSnapshot(parts, snapshot, signal);
      endStatementsWith(client, signal);
      await client.query(/* sql */ `set local lock_timeout = ${CREATE_MS}`);
      return new WholeCopy(consistentLsn, client);
    } catch (error) {
      signal.throwIfAborted();
      if (isLate) return undefined;
      throw error;
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', giveUp);
      await walsender.end(); // only now: the snapshot dies with it unless it is imported
    }
  }

  /** The rows of the table as batches without position; sockets wait for whoever pulls. */
  async *rows(
    source: SnapshotTable,
    table: TableSchema,
    transaction: Transaction,
    maxBatchBytes: number,
  ): AsyncGenerator<Batch> {
    const handover = new Handover<Portion>();
    const reader = new CopyReader(this.client, {
      tables: [{ ...source, table }],
      transaction,
      maxBatchBytes,
      handover,
    });
    const copy = async (): Promise<void> => {
      await reader.copy({ table: 0, range: { from: null, to: null } });
      await reader.flush();
    };
    copy().then(
      () => handover.end(),
      (error: unknown) => handover.close(error),
    );
    try {
      for await (const { batch } of handover) if (batch.length > 0) yield batch;
    } finally {
      handover.close(new Error('The copy of a table was left'));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.end();
  }
}

async function terminate({ settings, application }: FirstCopyParts, walsender: pg.Client): Promise<void> {
  const { processID } = walsender as pg.Client & { readonly processID: number };
  const client = await connect(settings.connection, application);
  try {
    await client.query(/* sql */ `select pg_catalog.pg_terminate_backend($1)`, [processID]);
  } finally {
    await client.end();
  }
}
