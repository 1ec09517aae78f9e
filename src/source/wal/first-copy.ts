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
import type { Incarnation } from '../source.ts';
import { copyTables } from '../snapshot/snapshot.ts';
import { WorkList } from '../snapshot/work-list.ts';
import type { VersionCounter } from '../capture/version-counter.ts';
import { type CopyPlan, planCopy } from './copy-plan.ts';
import type { CaptureFilter } from '../capture/filter.ts';
import { endIfStale } from '../capture/holder.ts';
import type { WalSourceSettings } from './settings.ts';
import { type CreatedSlot, createSlot, createTemporarySlot, temporarySlotHolders } from './slot.ts';

export interface FirstCopyParts {
  readonly settings: WalSourceSettings;
  readonly application: string;
  readonly clock: Clock;
  readonly filter: CaptureFilter;
  /** The connection that holds the connector's lock, as whom, and whether of any daemon. */
  readonly client: pg.ClientBase;
  readonly self: Incarnation;
  readonly takeOver: boolean;
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
    // One that was killed while its slot was created waits on: the server looks at its socket only when that is over.
    const { client, settings, self, takeOver } = parts;
    for (const pid of await temporarySlotHolders(client)) await endIfStale(client, pid, settings.name, self, takeOver);
    return await FirstCopy.#open(parts, createTemporarySlot, parts.settings.snapshotThreads, signal);
  }

  static async #open(
    parts: FirstCopyParts,
    create: (walsender: pg.ClientBase) => Promise<CreatedSlot>,
    readers: number,
    signal: AbortSignal,
  ): Promise<FirstCopy> {
    const walsender = await connect(parts.settings.connection, parts.application, { replication: 'database' }, signal);
    // Ends the wait, for running transactions of the source, on both sides; the creation reports it.
    const giveUp = (): void => void endWaiting(parts.client, walsender).catch(() => {});
    signal.addEventListener('abort', giveUp, { once: true });
    const clients: pg.Client[] = [];
    try {
      signal.throwIfAborted();
      const { consistentLsn, snapshot } = await create(walsender);
      for (let i = 0; i < readers; i++) clients.push(await importSnapshot(parts, snapshot, signal));
      failPoint('source.snapshot-open');
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
    const [client, ...others] = this.#clients;
    const plan = client && (await planCopy(client, others, this.#parts, versions));
    this.copied = plan?.tables.map(({ table }) => table.relationId) ?? [];
    failPoint('source.copy-planned');
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

/** The server would not hear of the end of a connection while it waits, and would keep a slot for it. */
async function endWaiting(client: pg.ClientBase, walsender: pg.Client): Promise<void> {
  const { processID } = walsender as pg.Client & { readonly processID: number };
  try {
    await client.query(/* sql */ `select pg_catalog.pg_terminate_backend($1)`, [processID]);
  } finally {
    await walsender.end();
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
