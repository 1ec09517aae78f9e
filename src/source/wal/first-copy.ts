import type pg from 'pg';
import { Batch } from '../../change/batch.ts';
import type { TableSchema } from '../../change/table-schema.ts';
import type { Clock } from '../../clock.ts';
import { failPoint } from '../../failpoint.ts';
import { lookUpRelation } from '../../postgres/catalog.ts';
import { connect } from '../../postgres/connect.ts';
import { postgresError } from '../../postgres/errors.ts';
import { quoteLiteral } from '../../postgres/identifier.ts';
import { lsnToPosition } from '../../postgres/lsn.ts';
import { copyTables, type SnapshotTable } from '../snapshot/snapshot.ts';
import type { VersionCounter } from './assembler.ts';
import type { CaptureFilter } from './filter.ts';
import { lockTables } from './lock-tables.ts';
import { type PublishedTable, publishedTables } from './publication.ts';
import type { WalSourceSettings } from './settings.ts';
import { createSlot } from './slot.ts';

export interface FirstCopyParts {
  readonly settings: WalSourceSettings;
  readonly application: string;
  readonly clock: Clock;
  readonly filter: CaptureFilter;
  /** The stream will tell what becomes of the tables. */
  readonly followsDdl: boolean;
}

/**
 * The state of the source exactly at the beginning of a new slot: whatever was committed before is in the copy, whatever
 * comes later in the stream, nothing in both.
 */
export class FirstCopy {
  readonly consistentLsn: number;
  /** Ids of the tables that `batches` has taken. */
  copied: readonly number[] = [];
  readonly #parts: FirstCopyParts;
  readonly #client: pg.Client | undefined;

  private constructor(parts: FirstCopyParts, consistentLsn: number, client: pg.Client | undefined) {
    this.#parts = parts;
    this.consistentLsn = consistentLsn;
    this.#client = client;
  }

  /** Creates the slot and opens a transaction on the snapshot that it exports. Waits for running transactions of the source. */
  static async begin(parts: FirstCopyParts, signal: AbortSignal): Promise<FirstCopy> {
    const { settings, application } = parts;
    const walsender = await connect(settings.connection, application, { replication: 'database' }, signal);
    const giveUp = (): void => void walsender.end().catch(() => {}); // ends the wait; createSlot reports it
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      signal.throwIfAborted();
      const { consistentLsn, snapshot } = await createSlot(walsender, settings.slotName);
      failPoint('source.slot-created');
      const isCopied = settings.snapshotMode !== 'no_data';
      return new FirstCopy(parts, consistentLsn, isCopied ? await importSnapshot(parts, snapshot, signal) : undefined);
    } finally {
      signal.removeEventListener('abort', giveUp);
      await walsender.end(); // only now: the snapshot dies with it unless it is imported
    }
  }

  /** The captured tables; without data, one empty batch says that the state is complete. */
  async *batches(versions: VersionCounter, signal: AbortSignal): AsyncGenerator<Batch> {
    const position = lsnToPosition(this.consistentLsn);
    if (!this.#client) {
      const batch = new Batch();
      batch.position = position;
      yield batch;
      return;
    }
    const tables = await this.#tables(this.#client, versions);
    const commitTimeUs = this.#parts.clock.now() * 1000;
    const transaction = { xid: 0, commitLsn: this.consistentLsn, commitTimeUs };
    const { maxBatchBytes } = this.#parts.settings;
    yield* copyTables({ client: this.#client, tables, position, transaction, maxBatchBytes }, signal);
  }

  async close(): Promise<void> {
    await this.#client?.end();
  }

  async #tables(client: pg.Client, versions: VersionCounter): Promise<SnapshotTable[]> {
    const { settings, filter } = this.#parts;
    const published = await publishedTables(client, settings.publicationName, filter);
    await lockTables(client, published, filter);
    this.copied = published.map(({ relationId }) => relationId);
    const tables: SnapshotTable[] = [];
    for (const each of published) {
      const table = await this.#version(client, each, versions);
      tables.push({ table, rowFilter: each.rowFilter, isPartitioned: each.isPartitioned });
    }
    return tables;
  }

  /** The columns that the stream will have too, so that copy and stream tell the same of a table. */
  async #version(client: pg.Client, published: PublishedTable, versions: VersionCounter): Promise<TableSchema> {
    const { filter } = this.#parts;
    const { schema, name, columns: names } = published;
    const facts = await lookUpRelation(client, published.relationId);
    if (!facts) throw new Error(`Table ${schema}.${name} is locked, but the catalog does not show it`);
    const kept = facts.columns.filter(
      (column, i) =>
        (names ? names.includes(column.name) : !column.generated) &&
        (facts.key.includes(i) || filter.column(schema, name, column.name)),
    );
    const key = facts.key.map((i) => kept.findIndex(({ attnum }) => attnum === facts.columns[i]?.attnum));
    const followed = this.#parts.followsDdl ? ({ isFollowed: true } as const) : {};
    return { ...facts, columns: kept, key: key.includes(-1) ? [] : key, version: ++versions.last, ...followed };
  }
}

async function importSnapshot(
  { settings, application }: FirstCopyParts,
  snapshot: string,
  signal: AbortSignal,
): Promise<pg.Client> {
  const client = await connect(settings.connection, application, {}, signal);
  try {
    await client.query(/* sql */ `begin isolation level repeatable read read only`);
    await client.query(/* sql */ `set transaction snapshot ${quoteLiteral(snapshot)}`);
    return client;
  } catch (error) {
    await client.end();
    throw postgresError(error, 'Cannot import the snapshot of the slot');
  }
}
