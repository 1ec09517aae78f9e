import type pg from 'pg';
import { Batch } from '../../change/batch.ts';
import type { CopyProgress, CopyState } from '../../change/copy-state.ts';
import type { Position } from '../../change/position.ts';
import type { Clock } from '../../clock.ts';
import { failPoint } from '../../failpoint.ts';
import { connect } from '../../postgres/connect.ts';
import { postgresError } from '../../postgres/errors.ts';
import { quoteLiteral } from '../../postgres/identifier.ts';
import { lsnToPosition } from '../../postgres/lsn.ts';
import { copyTables } from '../snapshot/snapshot.ts';
import { WorkList } from '../snapshot/work-list.ts';
import type { VersionCounter } from './assembler.ts';
import { type CopyPlan, planCopy } from './copy-plan.ts';
import type { CaptureFilter } from './filter.ts';
import type { WalSourceSettings } from './settings.ts';
import { type CreatedSlot, createSlot, createTemporarySlot } from './slot.ts';

export interface FirstCopyParts {
  readonly settings: WalSourceSettings;
  readonly application: string;
  readonly clock: Clock;
  readonly filter: CaptureFilter;
}

/**
 * A copy of the source at exactly one point of its WAL: whatever was committed before is in the copy, whatever comes later in the
 * stream, nothing in both. The first one is taken where the slot begins; one that goes on with it, at a later point.
 */
export class FirstCopy {
  readonly pointLsn: number;
  readonly #parts: FirstCopyParts;
  /** One per reader, each inside a transaction on the same snapshot; none when nothing is copied. */
  readonly #clients: readonly pg.Client[];
  #progress: CopyProgress | undefined;
  /** Ids of the tables that are copied, as planned. */
  copied: readonly number[] = [];

  private constructor(parts: FirstCopyParts, pointLsn: number, clients: readonly pg.Client[]) {
    this.#parts = parts;
    this.pointLsn = pointLsn;
    this.#clients = clients;
  }

  /** Creates the slot and opens transactions on the snapshot that it exports. Waits for running transactions of the source. */
  static async begin(parts: FirstCopyParts, signal: AbortSignal): Promise<FirstCopy> {
    const { slotName, snapshotMode } = parts.settings;
    const create = async (walsender: pg.ClientBase): Promise<CreatedSlot> => {
      const slot = await createSlot(walsender, slotName);
      failPoint('source.slot-created');
      return slot;
    };
    return await FirstCopy.#open(
      parts,
      create,
      snapshotMode === 'no_data' ? 0 : parts.settings.snapshotThreads,
      signal,
    );
  }

  /** Takes a newer snapshot, at a point that a temporary slot finds: one that the server's own snapshots do not tell (F11). */
  static async again(parts: FirstCopyParts, signal: AbortSignal): Promise<FirstCopy> {
    return await FirstCopy.#open(parts, createTemporarySlot, parts.settings.snapshotThreads, signal);
  }

  static async #open(
    parts: FirstCopyParts,
    create: (walsender: pg.ClientBase) => Promise<CreatedSlot>,
    readers: number,
    signal: AbortSignal,
  ): Promise<FirstCopy> {
    const walsender = await connect(parts.settings.connection, parts.application, { replication: 'database' }, signal);
    const giveUp = (): void => void walsender.end().catch(() => {}); // ends the wait; the creation reports it
    signal.addEventListener('abort', giveUp, { once: true });
    const clients: pg.Client[] = [];
    try {
      signal.throwIfAborted();
      const { consistentLsn, snapshot } = await create(walsender);
      for (let i = 0; i < readers; i++) clients.push(await importSnapshot(parts, snapshot, signal));
      return new FirstCopy(parts, consistentLsn, clients);
    } catch (error) {
      await closeAll(clients);
      throw error;
    } finally {
      signal.removeEventListener('abort', giveUp);
      await walsender.end(); // only now: the snapshot dies with it unless it is imported
    }
  }

  /** How far the copy is; undefined before its tables are known. */
  get progress(): CopyProgress | undefined {
    return this.#progress;
  }

  /** The tables as the snapshot shows them, locked so that they stay so; undefined when nothing is copied. */
  async plan(versions: VersionCounter): Promise<CopyPlan | undefined> {
    const [client] = this.#clients;
    const plan = client && (await planCopy(client, this.#parts, versions));
    this.copied = plan?.tables.map(({ table }) => table.relationId) ?? [];
    return plan;
  }

  /** The captured tables at `position`, or what `before` has left of them. Without data, one empty batch says that the state is complete. */
  async *batches(
    plan: CopyPlan | undefined,
    position: Position,
    before: CopyState | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<Batch> {
    if (plan === undefined) {
      const batch = new Batch();
      batch.position = position;
      yield batch;
      return;
    }
    const { tables, estimatedRows, fingerprint } = plan;
    const works = tables.map(({ table }) => ({ relationId: table.relationId, hasKey: table.key.length > 0 }));
    const work = new WorkList(works, fingerprint, lsnToPosition(this.pointLsn), before);
    const { tablesDone, rows } = work;
    const progress: CopyProgress = { tables: tables.length, tablesDone, rows, estimatedRows, percent: 0 };
    this.#progress = progress;
    const transaction = { xid: 0, commitLsn: this.pointLsn, commitTimeUs: this.#parts.clock.now() * 1000 };
    const { maxBatchBytes } = this.#parts.settings;
    const isFirst = before === undefined;
    yield* copyTables(
      { clients: this.#clients, tables, work, isFirst, position, transaction, maxBatchBytes, progress },
      signal,
    );
  }

  async close(): Promise<void> {
    await closeAll(this.#clients);
  }
}

/** Opens a transaction that shows what an exported snapshot shows. */
export async function importSnapshot(
  { settings, application }: Pick<FirstCopyParts, 'settings' | 'application'>,
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

async function closeAll(clients: readonly pg.Client[]): Promise<void> {
  await Promise.all(clients.map((client) => client.end()));
}
