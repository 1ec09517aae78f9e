import pg from 'pg';
import type { Batch } from '../../change/batch.ts';
import type { CopyProgress } from '../../change/copy-state.ts';
import type { Position } from '../../change/position.ts';
import type { TableSchema } from '../../change/table-schema.ts';
import type { Clock } from '../../clock.ts';
import { lookUpRelation } from '../../postgres/catalog.ts';
import { connect } from '../../postgres/connect.ts';
import { postgresError } from '../../postgres/errors.ts';
import { quoteLiteral } from '../../postgres/identifier.ts';
import { compileNames, type CaptureFilter } from '../capture/filter.ts';
import { keepOnDisk, WAL_WRITTEN } from '../capture/keep-on-disk.ts';
import type { SnapshotTable } from '../snapshot/chunk-sql.ts';
import { lockAlike, lockTables } from '../snapshot/lock-tables.ts';
import { copyTables } from '../snapshot/snapshot.ts';
import { chunkRowsOf, type CopyFacts, lookUpCopyFacts } from '../snapshot/table-sizes.ts';
import { WorkList } from '../snapshot/work-list.ts';
import type { CapturedTable } from './capture-tables.ts';
import { formatPosition } from './position.ts';
import { walInsert } from './reading.ts';
import type { TriggerSourceSettings } from './settings.ts';
import type { ShapeBook } from './shape-book.ts';

export interface FirstCopyParts {
  /** Of the connector, in no transaction. */
  readonly client: pg.ClientBase;
  readonly settings: TriggerSourceSettings;
  readonly application: string;
  readonly clock: Clock;
  readonly filter: CaptureFilter;
}

/** A copy of the captured tables as one snapshot shows them: the events that it does not show are all that follows. */
export class FirstCopy {
  readonly position: Position;
  readonly #parts: FirstCopyParts;
  readonly #clients: readonly pg.Client[];
  readonly #tables: readonly CapturedTable[];
  readonly #lsn: number;
  #progress: CopyProgress | undefined;

  private constructor(
    parts: FirstCopyParts,
    tables: readonly CapturedTable[],
    clients: readonly pg.Client[],
    lsn: number,
    snapshot: string,
  ) {
    this.#parts = parts;
    this.#tables = tables;
    this.#clients = clients;
    this.#lsn = lsn;
    this.position = formatPosition({ lsn, count: 0, snapshot });
  }

  /** Takes the snapshot. The tables have their triggers by then: whoever wrote before that has ended, and is in it. */
  static async begin(parts: FirstCopyParts, tables: readonly CapturedTable[], signal: AbortSignal): Promise<FirstCopy> {
    const { settings, application } = parts;
    const clients: pg.Client[] = [];
    try {
      const first = await connect(settings.connection, application, {}, signal);
      clients.push(first);
      const lsn = await walInsert(first);
      await first.query(/* sql */ `begin isolation level repeatable read read only`);
      const sql = /* sql */ `select pg_current_snapshot()::text as snapshot, ${WAL_WRITTEN} as wal, pg_export_snapshot() as name`;
      const { snapshot, name, wal } = (await first.query<TakenSnapshot>(sql)).rows[0] as TakenSnapshot;
      await keepOnDisk(parts.client, wal);
      for (let i = 1; i < settings.snapshotThreads; i++) {
        const other = await connect(settings.connection, application, {}, signal);
        clients.push(other);
        await other.query(/* sql */ `begin isolation level repeatable read read only`);
        await other.query(/* sql */ `set transaction snapshot ${quoteLiteral(name)}`);
      }
      return new FirstCopy(parts, tables, clients, lsn, snapshot);
    } catch (error) {
      await Promise.all(clients.map((client) => client.end()));
      throw error instanceof pg.DatabaseError ? postgresError(error, 'Cannot take a snapshot to copy') : error;
    }
  }

  get progress(): CopyProgress | undefined {
    return this.#progress;
  }

  async *batches(book: ShapeBook, signal: AbortSignal): AsyncGenerator<Batch> {
    const { settings, clock } = this.#parts;
    const { tables, estimatedRows } = await this.#plan(book);
    const works = tables.map(({ table }) => ({ relationId: table.relationId, hasKey: table.key.length > 0 }));
    // A copy that was interrupted begins anew: its fingerprint names nothing.
    const work = new WorkList(works, '', this.position);
    const progress: CopyProgress = { tables: tables.length, tablesDone: 0, rows: 0, estimatedRows, percent: 0 };
    this.#progress = progress;
    const transaction = { xid: 0, commitLsn: this.#lsn, commitTimeUs: clock.now() * 1000 };
    const { position } = this;
    const { maxBatchBytes } = settings;
    for (const { table } of tables) book.announced.add(table);
    yield* copyTables(
      { clients: this.#clients, tables, work, isFirst: true, position, transaction, maxBatchBytes, progress },
      signal,
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.end()));
  }

  async #plan(book: ShapeBook): Promise<{ tables: SnapshotTable[]; estimatedRows: number }> {
    const { settings, filter } = this.#parts;
    const [client, ...others] = this.#clients as [pg.Client, ...pg.Client[]];
    const copied = copiedTables(this.#tables, settings);
    await lockTables(client, copied, filter);
    for (const other of others) await lockAlike(other, copied);
    const facts = await lookUpCopyFacts(
      client,
      copied.map(({ relationId }) => relationId),
    );
    const tables: SnapshotTable[] = [];
    for (const [i, { relationId, schema, name, isPartitioned, rowFilter }] of copied.entries()) {
      const { rangeColumns, bytes } = facts[i] as CopyFacts;
      const found = await lookUpRelation(client, relationId);
      if (!found) throw new Error(`Table ${schema}.${name} is locked, but the catalog does not show it`);
      const table = book.tableOf(found);
      const isSmall = bytes <= settings.snapshotChunkBytes;
      const chunkRows = isSmall
        ? Number.POSITIVE_INFINITY
        : chunkRowsOf(facts[i] as CopyFacts, settings.snapshotChunkBytes);
      tables.push({ table, rowFilter, isPartitioned, rangeColumns: hasRanges(table) ? rangeColumns : [], chunkRows });
    }
    return { tables, estimatedRows: facts.reduce((sum, each) => sum + each.estimatedRows, 0) };
  }
}

interface TakenSnapshot {
  readonly snapshot: string;
  readonly name: string;
  readonly wal: string | null;
}

/** What the settings leave of the captured tables, with the rows that they leave of each. */
function copiedTables(
  captured: readonly CapturedTable[],
  { snapshotTables = [], snapshotConditions = {} }: TriggerSourceSettings,
): (CapturedTable & { readonly rowFilter: string | undefined })[] {
  const isCopied = compileNames(snapshotTables);
  return captured.flatMap((table) => {
    const name = `${table.schema}.${table.name}`;
    if (snapshotTables.length > 0 && !isCopied(name)) return [];
    return [{ ...table, rowFilter: Object.hasOwn(snapshotConditions, name) ? snapshotConditions[name] : undefined }];
  });
}

/** Comparing a "char" fails once the table has statistics ("cache lookup failed for collation 0" on Postgres 18): copied whole. */
function hasRanges({ key, columns }: TableSchema): boolean {
  return key.length > 0 && !key.some((i) => columns[i]?.type.base.endsWith('.char'));
}
