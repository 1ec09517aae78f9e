import type pg from 'pg';
import { Batch } from '../../change/batch.ts';
import type { CopyRequests, CopySignal } from '../../change/copy-request.ts';
import type { CopyProgress, CopyState } from '../../change/copy-state.ts';
import type { Position } from '../../change/position.ts';
import type { HearSignal, TableName } from '../../change/signal.ts';
import type { TableSchema } from '../../change/table-schema.ts';
import type { Clock } from '../../clock.ts';
import { TransientError } from '../../errors.ts';
import { lsnToPosition, positionToLsn } from '../../postgres/lsn.ts';
import type { Capture, HeldSource, Incarnation, SourceIdentity } from '../source.ts';
import { AddedTables } from './added-tables.ts';
import type { VersionCounter } from '../capture/version-counter.ts';
import { DdlReader } from './ddl/ddl-reader.ts';
import { followsDdl } from './ddl/ddl-setup.ts';
import type { CaptureFilter } from '../capture/filter.ts';
import { cover, type LateTablesParts, publish } from './late-tables.ts';
import { HeldCopy } from './held-copy.ts';
import { assertFromWal, descends } from './identity.ts';
import { ensurePublication, otherPublication, publicationId } from './publication.ts';
import { publishedTables } from './published-tables.ts';
import { Requests } from './request/requests.ts';
import { WalReader } from './reader.ts';
import { RelationLookUp } from './relation-look-up.ts';
import { SequenceSync, type SequenceWish } from './sequences/sequence-sync.ts';
import type { WalSourceSettings } from './settings.ts';
import { HeardSignals } from './signals/heard-signals.ts';
import { dropSlot, refuseStandby, slotExists } from './slot.ts';
import type { Warn } from '../capture/warn.ts';
import type { ReplicationStream } from './stream.ts';
import { failPoint } from '../../failpoint.ts';

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
  readonly self: Incarnation;
  readonly takeOver: boolean;
  readonly identity: SourceIdentity;
  readonly clock: Clock;
  readonly filter: CaptureFilter;
  readonly openStream: (signal: AbortSignal) => Promise<HeldStream>;
  readonly warn: Warn;
  /** Carries out the signals of `settings.signalTable`. */
  readonly hear?: HearSignal | undefined;
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
  readonly #requests: Requests;
  readonly #late: LateTablesParts;
  readonly #signals: HeardSignals;
  readonly #relations: RelationLookUp;
  #reader: WalReader | undefined;
  #lockLost: Error | undefined;
  #grace: NodeJS.Timeout | undefined;
  #isDisposed = false;

  constructor(parts: HeldWalSourceParts, held: HeldStream | undefined) {
    this.#parts = parts;
    this.identity = parts.identity;
    this.slot = parts.settings.slotName;
    this.capture = parts.capture;
    this.#requests = new Requests(parts, this.#versions, (lsn) => this.#reader?.want(lsn));
    this.#late = {
      ...parts,
      need: (table) => this.#requests.need(table),
      cover: (relations) => this.#requests.cover(relations),
    };
    this.#added = new AddedTables(this.#late, parts.capture.tables ?? []);
    this.#copy = new HeldCopy(parts, this.#versions);
    this.#sequences = new SequenceSync(parts, () => this.#reader);
    this.#signals = new HeardSignals(parts, this.#requests, this.#sequences, () => this.tables());
    this.#relations = new RelationLookUp(parts, this.#added, this.#signals);
    this.#stream = held?.stream;
    this.#confirmedLsn = held?.confirmedLsn;
    parts.client.once('end', () => this.#loseLock());
  }

  get confirmed(): Position | undefined {
    return this.#confirmedLsn === undefined ? this.#finished : lsnToPosition(this.#confirmedLsn);
  }

  async exists(_signal: AbortSignal): Promise<boolean> {
    const { client } = this.#parts;
    if (await slotExists(client, this.slot)) return true;
    await refuseStandby(client, this.slot);
    return false;
  }

  async descendsFrom(identity: SourceIdentity, position: Position, signal: AbortSignal): Promise<boolean> {
    const { system, timeline } = this.identity;
    if (identity.system !== system || identity.timeline > timeline) return false;
    const { client, settings, application } = this.#parts;
    const { connection, publicationName, name } = settings;
    assertFromWal(position, name);
    if (settings.snapshotMode === 'initial_only' && this.#confirmedLsn === undefined) {
      // The log has the whole copy, after which the slot was dropped: nothing follows that could be missing.
      this.#finished = position;
      return true;
    }
    const now = { client, connection, application, publicationName, name, identity: this.identity, signal };
    return await descends(now, identity, position);
  }

  async assertCovered(before: Capture, announced: readonly TableSchema[], _signal: AbortSignal): Promise<void> {
    await cover(this.#late, before, announced);
  }

  async create(signal: AbortSignal): Promise<Position> {
    const { client, settings, filter } = this.#parts;
    await this.#stream?.close();
    this.#stream = undefined;
    await this.#copy.close();
    this.#requests.clear();
    await ensurePublication(client, settings, filter, 'copied');
    await followsDdl(client, settings.publicationName, () => {}); // what is to be warned of, it will be when it reads
    await dropSlot(client, settings.slotName, signal);
    failPoint('source.before-slot');
    this.#confirmedLsn = await this.#copy.begin(signal);
    return lsnToPosition(this.#confirmedLsn);
  }

  async goOn(state: CopyState, from: Position, signal: AbortSignal): Promise<boolean> {
    return await this.#copy.goOn(state, from, signal);
  }

  get copying(): CopyProgress | undefined {
    return this.#requests.progress ?? this.#copy.progress;
  }

  async *snapshot(signal: AbortSignal): AsyncGenerator<Batch> {
    for await (const batch of this.#copy.batches((tables) => this.#added.add(tables), signal)) {
      if (this.#lockLost) throw this.#lockLost;
      yield batch;
    }
  }

  async *read(from: Position, signal: AbortSignal): AsyncGenerator<Batch> {
    const { client, settings, clock } = this.#parts;
    const isCopyAll = settings.snapshotMode === 'initial_only';
    if (isCopyAll && this.#copy.unlevel === undefined) return await this.#finish(signal);
    if (this.#lockLost) throw this.#lockLost;
    await publish(this.#late, this.#added);
    const isFollowed = await followsDdl(client, settings.publicationName, this.#parts.warn);
    this.#stream ??= (await this.#parts.openStream(signal)).stream;
    failPoint('source.stream-open');
    const fromLsn = positionToLsn(from);
    const ddl = new DdlReader(this.#parts.filter, this.#parts.warn, (table) => this.#copyAgain(table));
    // The log has everything below: a slot that went back with a crash of the server is moved forward again (F8).
    this.#stream.acknowledge(fromLsn);
    this.#reader = new WalReader({
      stream: this.#stream,
      describe: (message, previous, behind) => this.#relations.describe(message, previous, behind, { isFollowed, ddl }),
      ddl: (row) => ddl.read(row),
      signal: (signal) => this.#signals.hear(signal),
      clock,
      versions: this.#versions,
      from: fromLsn,
      maxBatchBytes: settings.maxBatchBytes,
    });
    const watch = setInterval(() => this.#watchPublication(), WATCH_MS);
    try {
      const level = this.#copy.level(this.#reader.batches(signal), isCopyAll, signal);
      const stream = this.#sequences.add(level, from);
      if (isCopyAll) yield* stream;
      else yield* this.#requests.during(stream, from, this.#copy.unlevel === undefined, signal);
    } finally {
      clearInterval(watch);
      // At once: a server that shuts down waits for it (A11).
      await this.#stream?.close();
      this.#stream = undefined;
    }
    if (!isCopyAll || signal.aborted) return;
    yield new Batch(1, 1, 1); // the slot is needed until everything before it is stored
    await this.#finish(signal);
  }

  restore(requests: CopyRequests): void {
    this.#requests.restore(requests);
  }

  async signal(signal: CopySignal): Promise<void> {
    await this.#requests.signal(signal);
  }

  async syncSequences(signal: AbortSignal): Promise<void> {
    await this.#sequences.request(signal);
  }

  async tables(): Promise<readonly TableName[]> {
    const { client, settings, filter } = this.#parts;
    return await publishedTables(client, settings.publicationName, filter);
  }

  async acknowledge(position: Position): Promise<void> {
    this.#stream?.acknowledge(positionToLsn(position));
    this.#reader?.acknowledged();
    this.#sequences.acknowledged(position);
    this.#requests.acknowledged(position);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    clearTimeout(this.#grace);
    this.#sequences.close();
    try {
      await this.#stream?.close();
    } finally {
      try {
        await this.#copy.close();
        await this.#requests.close();
      } finally {
        await this.#parts.client.end(); // last, and whatever fails: it holds the lock
      }
    }
  }

  /** Not what is not published by its own name (it left the publication, or its partitions are published instead): no copy would follow. */
  #copyAgain(table: Pick<TableSchema, 'schema' | 'name' | 'relationId'>): boolean {
    if (this.#parts.settings.snapshotMode === 'no_data' || !this.#added.isKnown(table.relationId)) return false;
    this.#requests.need(table);
    return true;
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
}
