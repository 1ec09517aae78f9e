import type pg from 'pg';
import type { CopyTarget, RequestedCopy } from '../../../change/copy-request.ts';
import type { KeyText } from '../../../change/copy-state.ts';
import { TransientError } from '../../../errors.ts';
import { endStatementsWith, socketOf } from '../../../postgres/bounded-client.ts';
import { connect } from '../../../postgres/connect.ts';
import { postgresError } from '../../../postgres/errors.ts';
import { parseLsn } from '../../../postgres/lsn.ts';
import { boundaryStatement, copyStatement, type SnapshotTable } from '../../snapshot/chunk-sql.ts';
import { copyOut } from '../../snapshot/copy-out.ts';
import { planTables } from '../copy-plan.ts';
import type { FirstCopyParts } from '../first-copy.ts';
import { visibleIn } from '../visibility.ts';
import { ChunkWindow } from './chunk-window.ts';
import { findTarget } from './condition.ts';

/** The stream waits for a chunk: so a chunk does not wait for a lock. */
const LOCK_TIMEOUT_MS = 300;
/** Rows of about this size together are read at once, and kept until the stream has come to them. */
const CHUNK_BYTES = 4 * 1024 * 1024;
/** A chunk whose rows are so much larger than the statistics say is read again, smaller. */
const MAX_CHUNK_BYTES = 8 * CHUNK_BYTES;
const MAX_CHUNK_ROWS = 100_000;

/** A table as one snapshot shows it. */
export interface Shown {
  readonly source: SnapshotTable;
  readonly fingerprint: string;
  readonly estimatedRows: number;
  readonly bytes: number;
}

/** One snapshot of the source: a read-only transaction that is open. */
export interface View {
  readonly client: pg.Client;
  /** `pg_current_snapshot()`. */
  readonly snapshot: string;
  /** Lower 32 bits of the ids of the transactions that were running. */
  readonly running: readonly number[];
  /** Everything that the snapshot shows commits below this LSN. */
  readonly lsn: number;
}

/** A chunk that was read: its rows, and the key of the last one; null when it is the last chunk. */
export interface Chunk {
  readonly window: ChunkWindow;
  readonly end: KeyText | null;
}

export type ChunkReaderParts = FirstCopyParts;

/** What a copy of a table needs of it. */
export type TableReader = Pick<ChunkReader, 'view' | 'flush' | 'isGone' | 'show' | 'read' | 'begin'> & AsyncDisposable;

/** Reads chunks of a table, each as of a snapshot of its own, on a connection that is opened when the first one is asked for. */
export class ChunkReader implements AsyncDisposable {
  readonly #parts: ChunkReaderParts;
  #client: pg.Client | undefined;
  /** Chunks of one table are made smaller by this, once one was too large. */
  #shrink = 1;

  constructor(parts: ChunkReaderParts) {
    this.#parts = parts;
  }

  /** Runs `look` in a snapshot. */
  async view<T>(look: (view: View) => Promise<T>, signal: AbortSignal): Promise<T> {
    const client = await this.#open(signal);
    try {
      await client.query(
        /* sql */ `begin isolation level repeatable read read only; set local lock_timeout = ${LOCK_TIMEOUT_MS}`,
      );
      const result = await look(await viewOf(client));
      await client.query(/* sql */ `commit`);
      return result;
    } catch (error) {
      await this.#close(); // whatever state the transaction is in
      signal.throwIfAborted();
      throw postgresError(error, 'Cannot read a part of a table while streaming');
    }
  }

  /** Has the server flush its WAL, by a commit that says nothing. No standby is waited for. */
  async flush(signal: AbortSignal): Promise<void> {
    const client = await this.#open(signal);
    try {
      await client.query(
        /* sql */ `begin; set local synchronous_commit = local; select pg_catalog.pg_logical_emit_message(true, 'rowcast', ''); commit`,
      );
    } catch (error) {
      await this.#close(); // whatever state the transaction is in
      signal.throwIfAborted();
      throw postgresError(error, 'Cannot have the source flush its WAL');
    }
  }

  /** Whether the table of a copy that was begun has been dropped; one of its name may be another one. */
  async isGone({ client }: Pick<View, 'client'>, { begun }: RequestedCopy): Promise<boolean> {
    if (begun === undefined) return false;
    const sql = /* sql */ `select from pg_catalog.pg_class where oid = $1`;
    return (await client.query(sql, [begun.relationId])).rows.length === 0;
  }

  /** The table as the view shows it, locked so that it stays what it is. Throws as `findTarget`, and TransientError when it changes right now. */
  async show({ client }: Pick<View, 'client'>, target: CopyTarget): Promise<Shown> {
    const { settings, filter } = this.#parts;
    const published = await findTarget(client, settings.publicationName, filter, target);
    const plan = await planTables(client, [], this.#parts, [published], { last: 0 });
    const { fingerprint, estimatedRows, bytes } = plan;
    const source = plan.tables[0] as SnapshotTable;
    const { condition } = target;
    const filters = [source.rowFilter, condition].filter((each) => each !== undefined);
    const rowFilter = filters.length === 0 ? undefined : filters.map((each) => `(${each}\n)`).join(' and ');
    return { source: { ...source, rowFilter }, fingerprint, estimatedRows, bytes };
  }

  /** The rows behind `after`, as many as fit. TransientError when they are more than fit: the next attempt takes less. */
  async read(
    { client, snapshot }: View,
    shown: Shown,
    table: ChunkWindow['table'],
    after: KeyText | null,
  ): Promise<Chunk> {
    const source = { ...shown.source, chunkRows: this.#rowsOf(shown) };
    const range = { from: after, to: null };
    const boundary = {
      text: boundaryStatement(withoutFilter(source), range),
      rowMode: 'array' as const,
      types: AS_TEXT,
    };
    const end = (await client.query<string[]>(boundary)).rows[0] ?? null;
    const window = new ChunkWindow(table, visibleIn(snapshot));
    const line = (bytes: Buffer): boolean => {
      window.add(bytes);
      if (window.size <= MAX_CHUNK_BYTES || source.chunkRows === 1) return false;
      this.#shrink *= 8;
      throw new TransientError('A part of a table is larger than its statistics say: it is read in smaller parts');
    };
    await copyOut(client, copyStatement(source, { from: after, to: end }), line, async () => {});
    return { window, end };
  }

  /** Another table is read from here on. */
  begin(): void {
    this.#shrink = 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  #rowsOf({ estimatedRows, bytes }: Shown): number {
    const { incrementalChunkRows = 1024, snapshotChunkBytes } = this.#parts.settings;
    const chunkBytes = Math.min(CHUNK_BYTES, snapshotChunkBytes);
    const rowBytes = estimatedRows > 0 ? Math.max(1, bytes / estimatedRows) : 100;
    const wanted = Math.min(Math.max(incrementalChunkRows, chunkBytes / rowBytes), MAX_CHUNK_BYTES / 2 / rowBytes);
    return Math.max(1, Math.floor(Math.min(MAX_CHUNK_ROWS, wanted) / this.#shrink));
  }

  async #open(signal: AbortSignal): Promise<pg.Client> {
    if (this.#client !== undefined) return this.#client;
    const { settings, application } = this.#parts;
    const client = await connect(settings.connection, application, {}, signal);
    endStatementsWith(client, signal);
    this.#client = client;
    return client;
  }

  async #close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    if (socketOf(client).destroyed) return;
    await client.end();
  }
}

/** Where a chunk ends is counted in rows of the table, so that a condition which few rows meet makes no chunk long. */
function withoutFilter({ rowFilter: _, ...source }: SnapshotTable): SnapshotTable {
  return { ...source, rowFilter: undefined };
}

/** Keys travel as the server prints them. */
const AS_TEXT = { getTypeParser: () => (text: string) => text };

const PAGE_BYTES = 8192;
/** Headers of the first page of a WAL segment, and of others. */
const HEADER_BYTES = [40, 24];

/** At the end of a page the server names the place behind the next page's header, where no stream ever stands before there is a record. */
export function recordEnd(lsn: number): number {
  const header = lsn % PAGE_BYTES;
  return HEADER_BYTES.includes(header) ? lsn - header : lsn;
}

/**
 * A snapshot lists no running transaction at or above its end, such as the newest one while its commit waits for a standby: the locks do. On a standby
 * it is the other way round. What the snapshot shows was in the WAL by the time the LSN is read, which is later.
 */
async function viewOf(client: pg.Client): Promise<View> {
  const { rows } = await client.query<{ snapshot: string; running: string; lsn: string }>(
    /* sql */ `select snapshot::text as snapshot, (
        select coalesce(string_agg(xid, ','), '') from (
          select transactionid::text from pg_catalog.pg_locks where locktype = 'transactionid' and mode = 'ExclusiveLock' and granted
          union
          select mod(xip::text::numeric, 4294967296)::text from pg_catalog.pg_snapshot_xip(snapshot) xip
        ) ids (xid)) as running,
      pg_catalog.pg_current_wal_insert_lsn()::text as lsn
      from pg_catalog.pg_current_snapshot() snapshot`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('The server told no snapshot');
  const running = row.running.split(',').filter(Boolean).map(Number);
  return { client, snapshot: row.snapshot, running, lsn: recordEnd(parseLsn(row.lsn)) };
}
