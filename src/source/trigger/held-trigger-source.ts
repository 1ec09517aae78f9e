import type pg from 'pg';
import { Batch } from '../../change/batch.ts';
import type { CopyRequests, CopySignal } from '../../change/copy-request.ts';
import type { CopyProgress } from '../../change/copy-state.ts';
import type { Position } from '../../change/position.ts';
import type { TableName } from '../../change/signal.ts';
import type { TableSchema } from '../../change/table-schema.ts';
import type { Clock } from '../../clock.ts';
import { OperatorError, PositionLostError, TransientError } from '../../errors.ts';
import { branchPoint } from '../../postgres/timeline.ts';
import type { Capture, HeldSource, SourceIdentity } from '../source.ts';
import type { CaptureTablesParts, TriggeredTables } from './capture-tables.ts';
import { Consumed } from './consumed.ts';
import { FirstCopy } from './first-copy.ts';
import { askServer, descends } from './identity.ts';
import { IdlePace } from './idle-pace.ts';
import type { TriggerNames } from './names.ts';
import { parsePosition } from './position.ts';
import { NeededCopies } from './needed-copies.ts';
import type { Reading } from './reading.ts';
import { Readings } from './readings.ts';
import { ShapeBook } from './shape-book.ts';
import { Wake } from './wake.ts';
import { WatchedTables } from './watched-tables.ts';

/** How often the triggers are looked at. */
const LOOK_MS = 10_000;

export interface HeldTriggerSourceParts extends CaptureTablesParts {
  /** The connection that holds the connector's lock; hears notifications, and forgets events. */
  readonly client: pg.Client;
  readonly names: TriggerNames;
  readonly application: string;
  readonly identity: SourceIdentity;
  readonly clock: Clock;
  readonly capture: Capture;
  /** What is captured when it is opened. */
  readonly tables: TriggeredTables;
  readonly confirmed: Position | undefined;
}

/** The events of a set of triggers, and the connector's lock, held by this process. */
export class HeldTriggerSource implements HeldSource {
  readonly identity: SourceIdentity;
  readonly slot: string;
  readonly dropAdvice: string;
  readonly capture: Capture;
  readonly #parts: HeldTriggerSourceParts;
  readonly #book: ShapeBook;
  readonly #wake: Wake;
  readonly #needed: NeededCopies;
  readonly #consumed: Consumed;
  readonly #tables: WatchedTables;
  /** Where a source of another kind has left the log. */
  #followed: Position | undefined;
  #copy: FirstCopy | undefined;
  readonly #readings: Readings;
  #lockLost: Error | undefined;
  #isDisposed = false;

  constructor(parts: HeldTriggerSourceParts) {
    this.#parts = parts;
    this.identity = parts.identity;
    this.slot = parts.settings.triggerName;
    this.dropAdvice = `Take the triggers away, and what they have captured with them (rowcast check --remove-triggers ${parts.settings.name} --yes), or set another trigger.name.`;
    this.capture = parts.capture;
    const { retentionDays = 0 } = parts.settings;
    this.#consumed = new Consumed(parts.client, parts.names, parts.confirmed, retentionDays);
    this.#book = new ShapeBook(parts.names, parts.filter);
    this.#readings = new Readings({ ...parts, book: this.#book, maxBatchBytes: parts.settings.maxBatchBytes }, parts);
    this.#wake = new Wake(parts.client, parts.names, parts.clock);
    this.#needed = new NeededCopies(() => this.#wake.now());
    this.#tables = new WatchedTables(parts, this.#needed, parts.tables);
    parts.client.once('end', () => this.#loseLock());
  }

  get confirmed(): Position | undefined {
    return this.#consumed.position ?? this.#followed;
  }

  async exists(_signal: AbortSignal): Promise<boolean> {
    return await this.#consumed.exists();
  }

  async descendsFrom(identity: SourceIdentity, position: Position, signal: AbortSignal): Promise<boolean> {
    const { client, settings, application, names } = this.#parts;
    if (parsePosition(position) === undefined) return await this.#follow(identity, position);
    const way = { connection: settings.connection, application, signal };
    const branch = (...of: [number, number]): Promise<number | undefined> => branchPoint(way, ...of);
    const isSame = await descends(await askServer(client), identity, position, branch);
    if (isSame && identity.publication !== this.identity.publication) {
      throw new PositionLostError(
        `${names.events} is not the table that the log was read from: what was written before it was made is lost`,
        {
          advice: `Was it dropped, or another connector's? Copy everything again: rowcast offsets reset ${settings.name}`,
        },
      );
    }
    return isSame;
  }

  async assertCovered(before: Capture, _announced: readonly TableSchema[], _signal: AbortSignal): Promise<void> {
    this.#tables.cover(before, this.capture.lists);
  }

  async create(signal: AbortSignal): Promise<Position> {
    await this.#copy?.close();
    this.#needed.clear();
    await this.#tables.bring();
    this.#copy = await FirstCopy.begin(this.#parts, this.#tables.captured, signal);
    const { position } = this.#copy;
    await this.#consumed.begin(position);
    if (this.#parts.settings.snapshotMode === 'no_data') {
      await this.#copy.close();
      this.#copy = undefined;
    }
    return position;
  }

  /** A copy that was interrupted begins anew. */
  async goOn(): Promise<boolean> {
    return false;
  }

  get copying(): CopyProgress | undefined {
    return this.#copy?.progress;
  }

  async *snapshot(signal: AbortSignal): AsyncGenerator<Batch> {
    const copy = this.#copy;
    if (copy === undefined) {
      if (this.#consumed.position === undefined) throw new Error('A copy was asked for before its point was there');
      return yield idle(this.#consumed.position);
    }
    try {
      for await (const batch of copy.batches(this.#book, signal)) {
        this.#assertHeld();
        yield batch;
      }
    } finally {
      this.#copy = undefined;
      await copy.close();
    }
  }

  async *read(from: Position, signal: AbortSignal): AsyncGenerator<Batch> {
    const { clock, settings } = this.#parts;
    const lookMs = settings.lookIntervalMs ?? LOOK_MS;
    const pace = new IdlePace(clock.monotonic());
    await this.#consumed.goOn(from);
    // Nobody knows what of these tables was written since.
    if (parsePosition(from) === undefined) this.#tables.needAll();
    await this.#wake.listen();
    let last = from;
    let lookAt = clock.monotonic() + lookMs;
    while (!signal.aborted) {
      this.#assertHeld();
      if (clock.monotonic() >= lookAt) {
        await this.#tables.look();
        lookAt = clock.monotonic() + lookMs;
      }
      const reading = await this.#readings.begin(last, signal);
      if (reading.isEmpty && !this.#needed.isWaiting) {
        await reading.end();
        if (pace.isDue(clock.monotonic())) {
          pace.said(clock.monotonic());
          // Nothing was written anywhere: there is nothing to say.
          if (reading.isBeyond) {
            await reading.settle();
            last = reading.position;
            yield idle(last);
          }
        }
        const limitMs = Math.min(settings.pollIntervalMs, pace.waitMs(clock.monotonic()), lookAt - clock.monotonic());
        await this.#wait(Math.max(0, limitMs), signal);
      } else {
        yield* this.#interval(reading, signal);
        last = reading.position;
        pace.stored(clock.monotonic());
        await this.#wake.awake();
      }
    }
  }

  restore(requests: CopyRequests): void {
    this.#needed.restore(requests, this.#tables.captured);
  }

  async signal(signal: CopySignal): Promise<void> {
    await this.#needed.hear(signal, this.#tables.captured);
  }

  async syncSequences(_signal: AbortSignal): Promise<void> {
    throw new OperatorError('A trigger source does not send where sequences stand', {
      advice: 'Set the sequences of the replica by hand before it is written to, or cut over with a WAL source.',
    });
  }

  async tables(): Promise<readonly TableName[]> {
    return this.#tables.captured.map(({ schema, name }) => ({ schema, name }));
  }

  async acknowledge(position: Position): Promise<void> {
    this.#needed.acknowledged(position);
    await this.#consumed.acknowledged(position);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    this.#needed.close();
    try {
      await this.#copy?.close();
      await this.#readings.close();
    } finally {
      await this.#parts.client.end(); // last, and whatever fails: it holds the lock
    }
  }

  /** Everything that the snapshot shows; the last batch has the position. */
  async *#interval(reading: Reading, signal: AbortSignal): AsyncGenerator<Batch> {
    const wanted = this.#needed.take();
    const nowUs = this.#parts.clock.now() * 1000;
    let last: Batch | undefined;
    for await (const batch of reading.batches(wanted, nowUs)) {
      signal.throwIfAborted();
      if (batch.length === 0) continue;
      if (last) yield last;
      last = batch;
    }
    await reading.end();
    await reading.settle();
    const batch = last ?? new Batch(1, 1, 1);
    batch.position = reading.position;
    batch.requests = this.#needed.handedOut(wanted, reading.position);
    this.#consumed.handedOut(reading.position, reading.lastId);
    yield batch;
  }

  async #wait(limitMs: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#wake.wait(limitMs, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Goes on behind a source of another kind: the first reading copies every table whole, so that nothing in between is missed. */
  async #follow({ system }: SourceIdentity, position: Position): Promise<boolean> {
    if (system !== this.identity.system) return false;
    await this.#tables.follow();
    this.#followed = position;
    return true;
  }

  #assertHeld(): void {
    if (this.#lockLost) throw this.#lockLost;
  }

  #loseLock(): void {
    if (this.#isDisposed) return;
    this.#lockLost = new TransientError(
      `The connection that holds the lock of connector "${this.#parts.settings.name}" was lost`,
    );
    this.#wake.now();
  }
}

function idle(position: Position): Batch {
  const batch = new Batch(1, 1, 1);
  batch.position = position;
  return batch;
}
