import type { Batch } from '../../../src/change/batch.ts';
import type { CopySignal } from '../../../src/change/copy-request.ts';
import { type CopyState, isWhole } from '../../../src/change/copy-state.ts';
import type { Position } from '../../../src/change/position.ts';
import type { TableSchema } from '../../../src/change/table-schema.ts';
import { OperatorError, TransientError } from '../../../src/errors.ts';
import {
  type Capture,
  type HeldSource,
  type Incarnation,
  isNewer,
  type Source,
  type SourceIdentity,
} from '../../../src/source/source.ts';
import { catchUp } from '../../../src/source/wal/catch-up.ts';
import type { Process } from '../process.ts';
import { Database, lsnOf, type ModelSnapshot, positionOf } from './database.ts';
import { fateOf } from './hazards.ts';
import { Walsender } from './walsender.ts';
import type { World } from './world.ts';

interface Slot {
  readonly created: number;
  confirmed: number;
  /** What a crash of the server goes back to. */
  saved: number;
}

/** How long the server keeps a session whose client does not answer. */
const SESSION_TIMEOUT_MS = 12_000;
/** Captures everything, or leaves something out that no model database has: only what claims say of it is looked at. */
const WIDE: Capture = { lists: {}, tables: [] };
const NARROW: Capture = { lists: { 'table.exclude.list': ['public.late'] }, tables: [] };

/** A start with wider lists than were covered: a person must put the old ones back. */
export class NotCovered extends OperatorError {}

/** A connection that holds the advisory lock, and the slot while there is one. */
interface Session {
  readonly process: Process;
  readonly who: Incarnation;
  isAlive: boolean;
  /** The client knows that it has this session. */
  isKnown: boolean;
  /** Where the slot stood when the session took it. */
  readonly confirmed: number | undefined;
  sender: Walsender | undefined;
  acknowledged: number;
  /** A pull that waits for something to be sent. */
  waiting: ((end: boolean) => void) | undefined;
}

/** The source server: one database, one slot with one holder. */
export class Postgres {
  readonly world: World;
  database: Database;
  slot: Slot | undefined;
  identity: SourceIdentity = { system: '7123456789012345678', timeline: 1, publication: '16400' };
  /** Where each timeline but the first has left the one before. */
  readonly #branches: number[] = [];
  #session: Session | undefined;

  constructor(world: World) {
    this.world = world;
    this.database = new Database(world.random);
  }

  /** A standby that has not replayed everything takes over. It may have the slot, which then stands no further than that. */
  failOver(lsn: number, hasSlot: boolean): void {
    this.terminate();
    this.database = this.database.fork(lsn);
    this.world.checker.fork(this.database);
    this.identity = { ...this.identity, timeline: this.identity.timeline + 1 };
    this.#branches.push(lsn);
    const { slot } = this;
    const confirmed = Math.min(slot?.confirmed ?? 0, lsn);
    this.slot = slot && hasSlot && slot.created <= lsn ? { ...slot, confirmed, saved: confirmed } : undefined;
  }

  /** Whether a position was reached on the history of this server, which `identity` was read from. */
  descendsFrom({ system, timeline }: SourceIdentity, lsn: number): boolean {
    if (system !== this.identity.system || timeline > this.identity.timeline) return false;
    return this.database.lsn >= lsn && this.#branches.slice(timeline - 1).every((branch) => branch >= lsn);
  }

  /** A transaction was committed: streams that wait go on. */
  commit(): void {
    this.database.commit();
    this.#session?.waiting?.(false);
  }

  /** The server crashes and starts again: sessions are gone, the slot is what was last written to disk. */
  crash(): void {
    this.terminate();
    if (this.slot) this.slot.confirmed = this.slot.saved;
  }

  /** The slot as a server's checkpoint writes it to disk. */
  save(): void {
    if (this.slot) this.slot.saved = this.slot.confirmed;
  }

  /** Ends the present session, whoever has it. */
  terminate(): void {
    const session = this.#session;
    this.#session = undefined;
    if (!session) return;
    session.isAlive = false;
    session.waiting?.(true);
  }

  /** The client of this process answers no more; the server finds out later. */
  lostClient(process: Process): void {
    const session = this.#session;
    if (session?.process !== process) return;
    this.#endLater(session);
  }

  /** The server finds out that a session's client is gone, unless the client has come back. */
  #endLater(session: Session): void {
    this.world.scheduler.timer(SESSION_TIMEOUT_MS, 'walsender timeout', session.process.id, () => {
      if (this.#session === session && (!session.isKnown || session.process.state !== 'running')) this.terminate();
    });
  }

  /** The source connector of one process. */
  source(process: Process): Source {
    return {
      open: async (self, takeOver, signal) => {
        const fate = this.#fate();
        const open = (): Session => {
          const session = this.#open(process, self, takeOver);
          if (fate !== 'answered') this.#endLater(session);
          return session;
        };
        return new HeldModelSource(this, await process.call('source.open', open, { signal, fate }));
      },
    };
  }

  #open(process: Process, who: Incarnation, takeOver: boolean): Session {
    const current = this.#session;
    if (current !== undefined) {
      if (!isStale(current.who, who, takeOver)) throw new TransientError('Slot is active for another process');
      this.world.count('session taken over');
      this.terminate();
    }
    const confirmed = this.slot?.confirmed;
    const session: Session = {
      process,
      who,
      confirmed,
      isAlive: true,
      isKnown: false,
      sender: undefined,
      acknowledged: 0,
      waiting: undefined,
    };
    this.#session = session;
    if (process.state !== 'running') this.lostClient(process);
    return session;
  }

  #fate(): 'answered' | 'lost' | 'unanswered' | 'late' {
    const { random, hazards } = this.world;
    return fateOf(random, hazards.source, hazards.source, hazards.source / 2);
  }

  /** Makes the slot anew; the consistent point is a position of its own. */
  create(session: Session): ModelSnapshot {
    this.#check(session);
    const snapshot = this.database.snapshot();
    this.slot = { created: snapshot.point, confirmed: snapshot.point, saved: snapshot.point };
    session.sender = new Walsender(this.database, snapshot.point);
    this.world.count('slot created');
    return snapshot;
  }

  /** The point of a newer snapshot. */
  level(): Position {
    this.database.otherWal();
    return positionOf(this.database.lsn);
  }

  /** Starts the stream where the slot stands; the walsender reads from further back. */
  sender(session: Session): Walsender {
    this.#check(session);
    const slot = this.slot;
    if (!slot) throw new TransientError('Slot does not exist');
    session.sender ??= new Walsender(
      this.database,
      Math.max(slot.created, slot.confirmed - this.world.random.between(0, 80)),
    );
    return session.sender;
  }

  acknowledge(session: Session, lsn: number): void {
    this.#check(session);
    const slot = this.slot;
    if (!slot) throw new TransientError('Slot does not exist');
    if (lsn < session.acknowledged) this.world.violation(`acknowledged ${lsn} after ${session.acknowledged}`);
    session.acknowledged = lsn;
    if (lsn <= slot.confirmed) return;
    slot.confirmed = lsn;
    this.world.count('acknowledged');
    this.world.checker.ledger.acknowledged(positionOf(lsn));
  }

  #check(session: Session): void {
    if (!session.isAlive) throw new TransientError('Session was terminated by the server');
  }

  close(session: Session): void {
    if (this.#session === session) this.terminate();
  }
}

/** An older incarnation of oneself (or oneself), or another daemon that one was told to take over from (V3). */
function isStale(current: Incarnation, self: Incarnation, takeOver: boolean): boolean {
  if (current.daemon !== self.daemon) return takeOver;
  return isNewer(self, current) || current.id === self.id;
}

/** True for the lists that leave nothing out. */
export function isWide({ lists }: Pick<Capture, 'lists'>): boolean {
  return Object.keys(lists).length === 0;
}

/** What `open` gives: the port's view of a session. */
class HeldModelSource implements HeldSource {
  readonly identity: SourceIdentity;
  readonly slot = 'rowcast_slot';
  readonly capture: Capture;
  readonly confirmed: Position | undefined;
  readonly #postgres: Postgres;
  readonly #session: Session;
  #snapshot: ModelSnapshot | undefined;
  #left: CopyState | undefined;

  constructor(postgres: Postgres, session: Session) {
    this.#postgres = postgres;
    this.#session = session;
    session.isKnown = true;
    this.identity = postgres.identity;
    this.capture = postgres.world.isWide(session.process) ? WIDE : NARROW;
    this.confirmed = session.confirmed === undefined ? undefined : positionOf(session.confirmed);
  }

  exists(signal: AbortSignal): Promise<boolean> {
    return this.#session.process.call('source.exists', () => this.#postgres.slot !== undefined, { signal });
  }

  descendsFrom(identity: SourceIdentity, position: Position, signal: AbortSignal): Promise<boolean> {
    const look = (): boolean => this.#postgres.descendsFrom(identity, lsnOf(position));
    return this.#session.process.call('source.history', look, { signal });
  }

  assertCovered(before: Capture, _announced: readonly TableSchema[], signal: AbortSignal): Promise<void> {
    const judge = (): void => {
      if (isWide(this.capture) && !isWide(before)) throw new NotCovered('The lists take in what was not captured');
    };
    return this.#session.process.call('source.covered', judge, { signal });
  }

  async create(signal: AbortSignal): Promise<Position> {
    const { random, hazards } = this.#postgres.world;
    const fate = fateOf(random, hazards.source, hazards.source, hazards.source);
    const create = (): ModelSnapshot => this.#postgres.create(this.#session);
    this.#left = undefined;
    this.#snapshot = await this.#session.process.call('source.create', create, { signal, fate });
    return positionOf(this.#snapshot.point);
  }

  readonly copying: undefined;

  /** Goes on with the very snapshot that was begun, so that the truth stays one row of changes; where it is called level is what differs. */
  goOn(state: CopyState, from: Position, signal: AbortSignal): Promise<boolean> {
    const { world } = this.#postgres;
    const goOn = (): boolean => {
      this.#postgres.sender(this.#session);
      this.#left = state;
      if (isWhole(state)) return true;
      if (world.random.chance(0.15)) return false;
      const snapshot = this.#postgres.database.snapshots[Number(state.fingerprint)];
      if (snapshot === undefined || positionOf(snapshot.point) !== from)
        world.violation(`a copy of ${snapshot?.point} goes on at ${from}`);
      this.#snapshot = snapshot;
      // Where an operator resets, or a server is another one, the checker takes what is not level for what is void.
      if (!world.isReset && !world.isHarmed) this.#left = { ...state, point: this.#postgres.level() };
      world.count('copy gone on with');
      return true;
    };
    return this.#session.process.call('source.goOn', goOn, { signal });
  }

  snapshot(signal: AbortSignal): AsyncIterable<Batch> {
    const snapshot = this.#snapshot;
    if (snapshot === undefined) throw new Error('A snapshot needs the slot to be created before');
    let batches: Iterator<Batch> | undefined;
    return this.#pulls(signal, 'source.snapshot', (send, fail) => {
      if (!this.#session.isAlive) return fail(new TransientError('Session was terminated by the server'));
      batches ??= this.#postgres.sender(this.#session).snapshot(snapshot, this.#left);
      const { done, value } = batches.next() as IteratorResult<Batch, undefined>;
      if (value?.copy !== undefined && isWhole(value.copy)) this.#left = value.copy;
      send(done ? undefined : value);
    });
  }

  restore(): void {}

  async signal({ kind }: CopySignal): Promise<void> {
    throw new TransientError(`The model knows no copy to ${kind} while it streams`);
  }

  async tables(): Promise<[]> {
    return [];
  }

  read(from: Position, signal: AbortSignal): AsyncIterable<Batch> {
    const batches = this.#pulls(signal, 'source.read', (send, fail) =>
      this.#pull(Number.parseInt(from, 16), send, fail),
    );
    const left = this.#left;
    if (left === undefined || !isWhole(left) || left.point <= from) return batches;
    this.#postgres.world.count('stream to a level');
    return catchUp(batches, left, () => Promise.resolve(this.#postgres.database.lsn), false, signal);
  }

  #pull(from: number, send: (batch: Batch) => void, fail: (error: unknown) => void): void {
    const session = this.#session;
    const { scheduler, random } = this.#postgres.world;
    let batch: Batch | undefined;
    try {
      const sender = this.#postgres.sender(session);
      sender.start(Math.max(from, session.confirmed ?? 0));
      batch = sender.batch();
    } catch (error) {
      return fail(error);
    }
    if (batch !== undefined) return send(batch);
    const keepalive = scheduler.timer(random.between(50, 10_000), 'keepalive', session.process.id, () => {
      session.waiting = undefined;
      const empty = session.sender?.keepalive();
      if (empty) send(empty);
      else this.#pull(from, send, fail);
    });
    session.waiting = (end) => {
      keepalive.cancelled = true;
      session.waiting = undefined;
      if (end) fail(new TransientError('Stream was closed by the server'));
      else scheduler.post('source.wake', session.process.id, () => this.#pull(from, send, fail));
    };
  }

  /** An iterable whose batches die when the one after the next is pulled, as the contract says. */
  #pulls(
    signal: AbortSignal,
    kind: string,
    serve: (send: (batch: Batch | undefined) => void, fail: (error: unknown) => void) => void,
  ): AsyncIterable<Batch> {
    const { process } = this.#session;
    const given: Batch[] = [];
    const next = async (): Promise<IteratorResult<Batch, undefined>> => {
      given.at(-2)?.bytes.fill(0x7e);
      if (signal.aborted) return { done: true, value: undefined };
      const batch = await process.converse<Batch | undefined>(kind, serve, { signal });
      if (batch === undefined) return { done: true, value: undefined };
      given.push(batch);
      return { done: false, value: batch };
    };
    const end = (): Promise<IteratorResult<Batch, undefined>> => Promise.resolve({ done: true, value: undefined });
    return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
  }

  syncSequences(): Promise<void> {
    return Promise.resolve();
  }

  acknowledge(position: Position): Promise<void> {
    return this.#session.process.call('source.acknowledge', () =>
      this.#postgres.acknowledge(this.#session, Number.parseInt(position, 16)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.process.call('source.close', () => this.#postgres.close(this.#session));
  }
}
