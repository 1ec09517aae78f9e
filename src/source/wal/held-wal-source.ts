import type pg from 'pg';
import type { Batch } from '../../change/batch.ts';
import type { CopySignal } from '../../change/copy-request.ts';
import type { CopyProgress, CopyState } from '../../change/copy-state.ts';
import type { Position } from '../../change/position.ts';
import type { TableSchema } from '../../change/table-schema.ts';
import type { Clock } from '../../clock.ts';
import { TransientError } from '../../errors.ts';
import { lookUpRelation, lookUpTypes } from '../../postgres/catalog.ts';
import { lsnToPosition, positionToLsn } from '../../postgres/lsn.ts';
import type { Capture, HeldSource, SourceIdentity } from '../source.ts';
import { AddedTables } from './added-tables.ts';
import type { VersionCounter } from './assembler.ts';
import { findDdlLog } from './ddl/ddl-log.ts';
import { DdlReader } from './ddl/ddl-reader.ts';
import { followsDdl } from './ddl/ddl-setup.ts';
import type { RelationMessage } from './decoder.ts';
import { notCovered, uncovered } from './coverage.ts';
import type { CaptureFilter } from './filter.ts';
import { HeldCopy } from './held-copy.ts';
import { descends } from './identity.ts';
import { ensurePublication, otherPublication, publicationId, publishedTables } from './publication.ts';
import { WalReader } from './reader.ts';
import { ddlLogRelation, describeRelation, missingTypes, type Relation, typeKey } from './relation.ts';
import { SequenceSync, type SequenceWish } from './sequences/sequence-sync.ts';
import type { WalSourceSettings } from './settings.ts';
import { dropSlot, slotExists } from './slot.ts';
import type { Warn } from './warn.ts';
import type { ReplicationStream } from './stream.ts';

/** How long a stream goes on after its lock was lost; longer than the server may wait in vain for a position. */
const LOCK_GRACE_MS = 10_000;

/** How often the publication is looked at. */
const WATCH_MS = 10_000;

/** An open stream and where its slot stands. */
export interface HeldStream {
  readonly stream: ReplicationStream;
  readonly confirmedLsn: number;
}

export interface HeldWalSourceParts {
  /** The connection that holds the connector's lock; also asked for the catalog. */
  readonly client: pg.Client;
  readonly settings: WalSourceSettings;
  readonly application: string;
  readonly identity: SourceIdentity;
  readonly clock: Clock;
  readonly filter: CaptureFilter;
  readonly openStream: (signal: AbortSignal) => Promise<HeldStream>;
  readonly warn: Warn;
  readonly capture: Capture;
  /** Ids of tables whose publication was warned of. */
  readonly told: Set<number>;
  /** Whether states of sequences are to be sent. */
  readonly wish: SequenceWish;
}

/** A connector's slot and lock, held by this process. */
export class HeldWalSource implements HeldSource {
  readonly identity: SourceIdentity;
  readonly slot: string;
  readonly capture: Capture;
  readonly #added: AddedTables;
  readonly #parts: HeldWalSourceParts;
  readonly #versions: VersionCounter = { last: 0 };
  #stream: ReplicationStream | undefined;
  #confirmedLsn: number | undefined;
  /** The position of a copy that was all that is wanted and that the log has: it needs no slot any more. */
  #finished: Position | undefined;
  readonly #copy: HeldCopy;
  readonly #sequences: SequenceSync;
  #reader: WalReader | undefined;
  /** The stream tells what becomes of tables. */
  #followsDdl = false;
  #ddl: DdlReader | undefined;
  #lockLost: Error | undefined;
  #grace: NodeJS.Timeout | undefined;
  #isDisposed = false;

  constructor(parts: HeldWalSourceParts, held: HeldStream | undefined) {
    this.#parts = parts;
    this.identity = parts.identity;
    this.slot = parts.settings.slotName;
    this.capture = parts.capture;
    this.#added = new AddedTables(parts, parts.capture.tables ?? []);
    this.#copy = new HeldCopy(parts, this.#versions);
    this.#sequences = new SequenceSync(parts, () => this.#reader);
    this.#stream = held?.stream;
    this.#confirmedLsn = held?.confirmedLsn;
    parts.client.once('end', () => this.#loseLock());
  }

  get confirmed(): Position | undefined {
    return this.#confirmedLsn === undefined ? this.#finished : lsnToPosition(this.#confirmedLsn);
  }

  async exists(_signal: AbortSignal): Promise<boolean> {
    return await slotExists(this.#parts.client, this.slot);
  }

  async descendsFrom(identity: SourceIdentity, position: Position, signal: AbortSignal): Promise<boolean> {
    const { system, timeline } = this.identity;
    if (identity.system !== system || identity.timeline > timeline) return false;
    const { client, settings, application } = this.#parts;
    if (settings.snapshotMode === 'initial_only' && this.#confirmedLsn === undefined) {
      // The log has the whole copy, after which the slot was dropped: nothing follows that could be missing.
      this.#finished = position;
      return true;
    }
    const { connection, publicationName } = settings;
    const now = { client, connection, application, publicationName, identity: this.identity, signal };
    return await descends(now, identity, position);
  }

  async assertCovered(before: Capture, announced: readonly TableSchema[], _signal: AbortSignal): Promise<void> {
    const { settings, warn } = this.#parts;
    const names = await uncovered(this.#parts, before, announced);
    if (names.length > 0 && settings.snapshotMode !== 'no_data') throw notCovered(settings.name, names);
    if (names.length > 0) {
      warn(
        `Captured from now on: ${names.join(', ')}`,
        'snapshot.mode is no_data: their earlier rows are yours to copy.',
      );
    } else if (before.tables !== undefined) {
      await new AddedTables(this.#parts, before.tables).look();
    }
  }

  async create(signal: AbortSignal): Promise<Position> {
    const { client, settings, filter } = this.#parts;
    await this.#stream?.close();
    this.#stream = undefined;
    await this.#copy.close();
    await ensurePublication(client, settings, filter, 'copied');
    await followsDdl(client, settings.publicationName, () => {}); // what is to be warned of, it will be when it reads
    await dropSlot(client, settings.slotName, signal);
    this.#confirmedLsn = await this.#copy.begin(signal);
    return lsnToPosition(this.#confirmedLsn);
  }

  async goOn(state: CopyState, from: Position, signal: AbortSignal): Promise<boolean> {
    return await this.#copy.goOn(state, from, signal);
  }

  get copying(): CopyProgress | undefined {
    return this.#copy.progress;
  }

  async *snapshot(signal: AbortSignal): AsyncGenerator<Batch> {
    for await (const batch of this.#copy.batches((tables) => this.#added.add(tables), signal)) {
      if (this.#lockLost) throw this.#lockLost;
      yield batch;
    }
  }

  async *read(from: Position, signal: AbortSignal): AsyncGenerator<Batch> {
    const { client, settings, filter, clock } = this.#parts;
    const isCopyAll = settings.snapshotMode === 'initial_only';
    if (isCopyAll && this.#copy.unlevel === undefined) return await this.#finish(signal);
    if (this.#lockLost) throw this.#lockLost;
    await ensurePublication(client, settings, filter, { leftOut: (table) => this.#warnLeftOut(table) });
    if (settings.publicationAutocreateMode === 'filtered') {
      // Tables without rows were added just now, while nobody could write to them.
      const published = await publishedTables(client, settings.publicationName, filter);
      this.#added.add(published.map(({ relationId }) => relationId));
    }
    this.#followsDdl = await followsDdl(client, settings.publicationName, this.#parts.warn);
    this.#stream ??= (await this.#parts.openStream(signal)).stream;
    const fromLsn = positionToLsn(from);
    const ddl = new DdlReader(filter, this.#parts.warn);
    this.#ddl = ddl;
    // The log has everything below: a slot that went back with a crash of the server is moved forward again (F8).
    this.#stream.acknowledge(fromLsn);
    this.#reader = new WalReader({
      stream: this.#stream,
      describe: (message, previous) => this.#describe(message, previous),
      ddl: (row) => ddl.read(row),
      clock,
      versions: this.#versions,
      from: fromLsn,
      maxBatchBytes: settings.maxBatchBytes,
    });
    const watch = setInterval(() => this.#watchPublication(), WATCH_MS);
    try {
      const level = this.#copy.level(this.#reader.batches(signal), isCopyAll, signal);
      yield* this.#sequences.add(level, from);
    } finally {
      clearInterval(watch);
      // At once: a server that shuts down waits for it (A11).
      await this.#stream?.close();
      this.#stream = undefined;
    }
    if (isCopyAll && !signal.aborted) await this.#finish(signal);
  }

  async signal({ kind }: CopySignal): Promise<void> {
    throw new TransientError(`Connector "${this.#parts.settings.name}" cannot ${kind} a copy: it does not stream`);
  }

  async syncSequences(_signal: AbortSignal): Promise<void> {
    await this.#sequences.request();
  }

  async acknowledge(position: Position): Promise<void> {
    this.#stream?.acknowledge(positionToLsn(position));
    this.#reader?.acknowledged();
    this.#sequences.acknowledged(position);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    clearTimeout(this.#grace);
    try {
      await this.#stream?.close();
    } finally {
      try {
        await this.#copy.close();
      } finally {
        await this.#parts.client.end(); // last, and whatever fails: it holds the lock
      }
    }
  }

  /** The copy is stored, and nobody will ever read on: the slot would keep WAL for ever. */
  async #finish(signal: AbortSignal): Promise<void> {
    await this.#stream?.close();
    this.#stream = undefined;
    await dropSlot(this.#parts.client, this.slot, signal);
  }

  /**
   * The open stream still keeps everybody else off the slot. It may go on for a while: a server that shuts down ends ordinary
   * connections first, and then waits for the last position (source 5).
   */
  #loseLock(): void {
    if (this.#isDisposed) return;
    const error = new TransientError(
      `The connection that holds the lock of connector "${this.#parts.settings.name}" was lost`,
    );
    this.#lockLost = error;
    this.#grace = setTimeout(() => this.#reader?.failed(error), LOCK_GRACE_MS);
  }

  /** Dropped while it is in use it takes changes along in silence: found here, at the latest, not at the next start. */
  #watchPublication(): void {
    const { client, settings } = this.#parts;
    if (this.#lockLost || this.#isDisposed) return;
    const look = async (): Promise<void> => {
      const id = await publicationId(client, settings.publicationName);
      if (id !== this.identity.publication) throw this.#publicationLost();
      if (this.capture.tables !== undefined) await this.#added.look();
    };
    look().catch((error: unknown) => {
      // A lost connection is #loseLock's to judge, and the next look tells of what passes.
      if (!this.#isDisposed && !(error instanceof TransientError)) this.#reader?.failed(error);
    });
  }

  /** Where another copy follows, the next run of the source begins it. */
  #publicationLost(): Error {
    const { publicationName, outlivesLoss } = this.#parts.settings;
    const lost = otherPublication(publicationName);
    return outlivesLoss ? new TransientError(lost.message, { cause: lost }) : lost;
  }

  #warnLeftOut(table: string): void {
    const { name, publicationName, snapshotMode } = this.#parts.settings;
    const copies = snapshotMode === 'no_data' ? 'nothing' : 'only what was there at the first start';
    this.#parts.warn(
      `Table ${table.replace(/^only /, '')} is not captured: it has rows, or is busy, and connector "${name}" copies ${copies}`,
      `Exclude it (table.exclude.list), empty it and start again, or add it to publication "${publicationName}" yourself, ` +
        'and its present rows to the replica. A new topic.prefix, slot and publication begin with a copy of everything.',
    );
  }

  /** Anybody can call a table so: it is believed only when it is what was installed (Invariant 11). */
  async #isDdlLog({ relationId }: RelationMessage): Promise<boolean> {
    if ((await findDdlLog(this.#parts.client)) === relationId) return true;
    this.#parts.warn(
      'Rows of table rowcast.ddl are passed over: somebody else could have written them, or DDL replication was taken away',
      'Set it up again: rowcast check --install-ddl.',
    );
    return false;
  }

  async #describe(message: RelationMessage, previous: TableSchema | undefined): Promise<Relation> {
    const { client, filter } = this.#parts;
    if (message.schema === 'rowcast' && message.name === 'ddl' && (await this.#isDdlLog(message))) {
      return ddlLogRelation(message);
    }
    const facts = await lookUpRelation(client, message.relationId);
    const missing = missingTypes(message, facts);
    const found = await lookUpTypes(client, missing);
    const types = new Map(found.map((type, i) => [typeKey(missing[i]?.typeId ?? 0, missing[i]?.modifier ?? -1), type]));
    const relation = describeRelation(message, facts, types, previous, filter, this.#ddl?.keyOf(message.relationId));
    return this.#followsDdl ? { ...relation, table: { ...relation.table, isFollowed: true } } : relation;
  }
}
