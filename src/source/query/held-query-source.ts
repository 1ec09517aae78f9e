import type pg from 'pg';
import type { Batch } from '../../change/batch.ts';
import { type CopyRequests, type CopySignal, isWithoutRequests, NO_REQUESTS } from '../../change/copy-request.ts';
import type { CopyProgress, CopyState } from '../../change/copy-state.ts';
import type { Position } from '../../change/position.ts';
import type { TableName } from '../../change/signal.ts';
import { type TableSchema, tableName } from '../../change/table-schema.ts';
import type { Clock } from '../../clock.ts';
import { OperatorError, TransientError } from '../../errors.ts';
import { failPoint } from '../../failpoint.ts';
import { captureOf } from '../capture/capture.ts';
import type { CaptureFilter } from '../capture/filter.ts';
import type { Capture, HeldSource, SourceIdentity } from '../source.ts';
import { DeliveredXids } from './delivered.ts';
import { KeyMemory } from './key-memory.ts';
import { OpenPoll } from './open-poll.ts';
import { idle, PollBatches } from './poll-batches.ts';
import { beginPoll, endPoll, lookAtBounds } from './poll-snapshot.ts';
import { fromPosition, type PollPlace, type PollState, toPosition } from './poll-state.ts';
import { PolledTables } from './polled-tables.ts';
import { assertReached } from './reached.ts';
import type { QuerySourceSettings } from './settings.ts';
import { isFirstEpoch, isQuiet } from './xid-window.ts';

/** How often a poll that has found nothing leaves a checkpoint, so that a restart reads less again. */
const IDLE_MS = 10_000;

export interface HeldQuerySourceParts {
  /** The connection that holds the connector's lock, and polls. */
  readonly client: pg.Client;
  readonly settings: QuerySourceSettings;
  readonly identity: SourceIdentity;
  readonly filter: CaptureFilter;
  readonly clock: Clock;
  /** Hears that a poll found no table at all. */
  readonly onNothing: () => void;
}

/** Somebody waits until tables have been read whole, and the log has them. */
interface Asked {
  readonly tables: readonly string[];
  /** The position that they come with; undefined until a poll has taken them up. */
  position: Position | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Tables that are polled by this process. */
export class HeldQuerySource implements HeldSource {
  readonly identity: SourceIdentity;
  readonly slot: string = '';
  readonly capture: Capture;
  readonly #parts: HeldQuerySourceParts;
  readonly #tables: PolledTables;
  readonly #keys: KeyMemory;
  readonly #announced = new Set<TableSchema>();
  /** Where the log ends: polls go on from there by themselves, and nothing is kept for them. */
  #confirmed: Position | undefined;
  #delivered: DeliveredXids | undefined;
  #copy: { readonly poll: OpenPoll; readonly timeUs: number; readonly position: Position } | undefined;
  #progress: CopyProgress | undefined;
  #asked: Asked[] = [];
  #isReading = false;
  /** The log still names copies of a source of another kind. */
  #areLeft = false;
  #wake: () => void = () => {};

  constructor(parts: HeldQuerySourceParts) {
    this.#parts = parts;
    this.identity = parts.identity;
    this.capture = captureOf(parts.settings, []);
    this.#tables = new PolledTables(parts.settings, parts.filter);
    this.#keys = new KeyMemory(parts.settings.keyMemoryBytes);
  }

  get confirmed(): Position | undefined {
    return this.#confirmed;
  }

  get copying(): CopyProgress | undefined {
    return this.#progress;
  }

  async exists(_signal: AbortSignal): Promise<boolean> {
    return false;
  }

  /** The server is the same one. Whether its history is, each poll finds out: if not, it reads everything again. */
  async descendsFrom(identity: SourceIdentity, position: Position, _signal: AbortSignal): Promise<boolean> {
    if (identity.system !== this.identity.system) return false;
    await assertReached(this.#parts.client, position);
    this.#confirmed = position;
    return true;
  }

  /** What was not captured so far is read whole by the next poll. */
  async assertCovered(_before: Capture, _announced: readonly TableSchema[], _signal: AbortSignal): Promise<void> {}

  async create(_signal: AbortSignal, beyond?: Position): Promise<Position> {
    const number = beyond === undefined ? 0 : fromPosition(beyond).number;
    const opened = await this.#open(undefined, new Set());
    const position = toPosition(number + 1, opened.poll.state);
    this.#copy = { ...opened, position };
    return position;
  }

  /** A copy that was interrupted begins anew: its snapshot is gone. */
  async goOn(_state: CopyState, _from: Position, _signal: AbortSignal): Promise<boolean> {
    return false;
  }

  async *snapshot(signal: AbortSignal): AsyncGenerator<Batch> {
    const copy = this.#copy;
    if (copy === undefined) throw new Error('A copy was asked for before it was begun');
    this.#copy = undefined;
    const { poll, position, timeUs } = copy;
    const tables = poll.schemas.length;
    const progress: CopyProgress = { tables, tablesDone: 0, rows: 0, estimatedRows: 0, percent: 0 };
    this.#progress = progress;
    const stamp = (batch: Batch, consistent: boolean): Batch => {
      progress.rows += batch.length - batch.controls.length;
      return Object.assign(batch, { position, consistent });
    };
    const ready: Batch[] = [];
    const batches = this.#batches(timeUs, ready);
    const seen = new DeliveredXids(poll.state.xmin);
    try {
      for await (const batch of poll.copy(batches, ready, seen)) {
        if (signal.aborted) return;
        yield stamp(batch, false);
        failPoint('source.snapshot-batch');
      }
    } finally {
      await endPoll(this.#parts.client);
    }
    await poll.settle();
    this.#delivered = seen;
    Object.assign(progress, { tablesDone: tables, percent: 100 });
    yield stamp(batches.last(), true);
  }

  async *read(from: Position, signal: AbortSignal): AsyncGenerator<Batch> {
    const { clock, settings } = this.#parts;
    let place = fromPosition(from);
    let told = { place, at: clock.monotonic() };
    this.#isReading = true;
    try {
      while (!signal.aborted) {
        if (this.#asked.length > 0 || !(await this.#isQuiet(place.state))) {
          const next = yield* this.#poll(place, signal);
          if (next === undefined) return;
          place = next;
          if (place.number > told.place.number) told = { place, at: clock.monotonic() };
        }
        const isMoved = JSON.stringify(place.state) !== JSON.stringify(told.place.state);
        if (isMoved && clock.monotonic() - told.at >= IDLE_MS) {
          place = { ...place, number: place.number + 1 };
          told = { place, at: clock.monotonic() };
          yield idle(place);
        }
        await this.#pause(settings.pollIntervalMs, signal);
      }
    } finally {
      this.#isReading = false;
    }
  }

  /** Copies are made by polls, whole and at once: what a source of another kind has left of its own ends with the first one. */
  restore(requests: CopyRequests): void {
    this.#areLeft = !isWithoutRequests(requests);
  }

  async signal(signal: CopySignal): Promise<void> {
    if (!this.#isReading) throw new TransientError('The source does not poll yet');
    if (signal.kind !== 'execute') {
      throw new OperatorError(`A query source cannot ${signal.kind} copies: each is made at once, by the next poll`);
    }
    const known = new Set((await this.tables()).map(tableName));
    for (const { schema, name, condition } of signal.tables) {
      const table = tableName({ schema, name });
      if (!known.has(table)) throw new OperatorError(`Table ${table} is not captured`);
      if (condition !== undefined)
        throw new OperatorError(`A query source copies tables whole: leave the condition of ${table} out`);
    }
    const tables = signal.tables.map(tableName);
    await new Promise<void>((resolve, reject) => {
      this.#asked.push({ tables, position: undefined, resolve, reject });
      this.#wake();
    });
  }

  async syncSequences(_signal: AbortSignal): Promise<void> {
    throw new OperatorError('A query source does not send the states of sequences', {
      advice: 'Set the sequences of the replica by hand before it is written to.',
    });
  }

  async tables(): Promise<readonly TableName[]> {
    const { query } = this.#parts.settings;
    if (query !== undefined) return [{ schema: query.schema, name: query.name }];
    return await this.#tables.list(this.#parts.client);
  }

  async acknowledge(position: Position): Promise<void> {
    const isStored = (asked: Asked): boolean => asked.position !== undefined && asked.position <= position;
    for (const asked of this.#asked.filter(isStored)) asked.resolve();
    this.#asked = this.#asked.filter((asked) => !isStored(asked));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { reject } of this.#asked) reject(new TransientError('The source ended before the tables were copied'));
    this.#asked = [];
    await this.#parts.client.end(); // ends a poll that is under way, and the lock
  }

  /** One poll. Returns where it has left the source; undefined when it was stopped. */
  async *#poll(place: PollPlace, signal: AbortSignal): AsyncGenerator<Batch, PollPlace | undefined> {
    const asked = this.#asked.filter(({ position }) => position === undefined);
    const { poll, timeUs } = await this.#open(place.state, new Set(asked.flatMap(({ tables }) => tables)));
    const ready: Batch[] = [];
    const batches = this.#batches(timeUs, ready);
    const seen = new DeliveredXids(poll.state.xmin);
    try {
      for await (const batch of poll.changes(batches, ready, seen)) {
        if (signal.aborted) return undefined;
        yield batch;
      }
    } finally {
      await endPoll(this.#parts.client);
    }
    await poll.settle();
    this.#delivered = seen;
    if (batches.count === 0) return { number: place.number, state: poll.state };
    const number = place.number + 1;
    const last = batches.last();
    last.position = toPosition(number, poll.state);
    if (this.#areLeft) last.requests = NO_REQUESTS;
    this.#areLeft = false;
    for (const each of asked) each.position = last.position;
    yield last;
    return { number, state: poll.state };
  }

  /** Begins a poll's transaction, and looks what there is to read in it. */
  async #open(
    before: PollState | undefined,
    wanted: ReadonlySet<string>,
  ): Promise<{ readonly poll: OpenPoll; readonly timeUs: number }> {
    const { client, settings, identity } = this.#parts;
    const snapshot = await beginPoll(client, this.#tables);
    try {
      const tables = await this.#tables.describe(client, snapshot.names);
      if (tables.length === 0) this.#parts.onNothing();
      const poll = await OpenPoll.open({
        client,
        settings,
        snapshot,
        timeline: identity.timeline,
        tables,
        before,
        delivered: isFirstEpoch(snapshot) ? this.#delivered : undefined,
        keys: this.#keys,
        wanted,
        announced: this.#announced,
      });
      return { poll, timeUs: snapshot.timeUs };
    } catch (error) {
      await endPoll(client);
      throw error;
    }
  }

  /** What depends on more than the server's rows is always polled. */
  async #isQuiet(state: PollState | undefined): Promise<boolean> {
    const { client, identity } = this.#parts;
    // The first poll of a process sees what the lists take in now.
    if (state === undefined || this.#delivered === undefined || state.timeline !== identity.timeline) return false;
    if (Object.values(state.tables).some(({ cursor }) => cursor !== undefined)) return false;
    return isQuiet(state, await lookAtBounds(client));
  }

  #batches(timeUs: number, ready: Batch[]): PollBatches {
    const transaction = { xid: 0, commitLsn: 0, commitTimeUs: timeUs };
    return new PollBatches(transaction, this.#parts.settings.maxBatchBytes, (batch) => ready.push(batch));
  }

  /** Until the next poll is due, or somebody asks for one. */
  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#asked.some(({ position }) => position === undefined)) return;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    try {
      await this.#parts.clock.sleep(ms, AbortSignal.any([signal, woken.signal]));
    } catch (error) {
      if (!signal.aborted && !woken.signal.aborted) throw error;
    } finally {
      this.#wake = () => {};
    }
  }
}
