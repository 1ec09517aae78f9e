import type pg from 'pg';
import type { Batch } from '../../../change/batch.ts';
import type { Position } from '../../../change/position.ts';
import type { SequenceState } from '../../../change/sequence-state.ts';
import { TransientError } from '../../../errors.ts';
import type { Clock } from '../../../clock.ts';
import { positionToLsn } from '../../../postgres/lsn.ts';
import { postgresError } from '../../../postgres/errors.ts';
import { type CaptureFilter, compileNames } from '../../capture/filter.ts';
import type { WalSourceSettings } from '../settings.ts';
import type { Warn } from '../../capture/warn.ts';
import { readSequences, type SequenceFilter } from './read-sequences.ts';

/** Sequences of one control record: far below any limit of a record. */
const AT_ONCE = 300;

/** What is wanted and not yet stored. It outlives a run of the source that fails meanwhile. */
export interface SequenceWish {
  kind: 'all' | 'changed' | undefined;
  /** Counts the times that somebody wished for something. */
  number: number;
}

export function noWish(): SequenceWish {
  return { kind: undefined, number: 0 };
}

export interface SequenceSyncParts {
  readonly client: pg.ClientBase;
  readonly settings: Pick<WalSourceSettings, 'sequenceInclude' | 'sequenceSyncIntervalMs'>;
  readonly filter: CaptureFilter;
  readonly clock: Clock;
  readonly warn: Warn;
  readonly wish: SequenceWish;
}

/** Somebody who waits until the log has what a wish was about. */
interface Waiter {
  readonly number: number;
  resolve(): void;
  reject(): void;
}

/** The reader whose batches the states travel with. */
export interface SequenceReader {
  /** Hands out the next idle position at once, however short the last one is ago. */
  hurry(): void;
  failed(error: unknown): void;
}

/**
 * Sends the states of sequences when they are wanted: behind the rows of the next batch that has a position, because a control needs a place
 * in the stream, and a checkpoint one that grows. What is read then is at or beyond every row up to there: its value was given out before
 * its transaction was committed.
 */
export class SequenceSync {
  readonly #parts: SequenceSyncParts;
  readonly #filter: SequenceFilter;
  readonly #reader: () => SequenceReader | undefined;
  /** The wish that was sent, and where. */
  #underWay: { readonly number: number; readonly position: Position } | undefined;
  /** By name, what this process has sent. */
  readonly #sent = new Map<string, string>();
  readonly #told = new Set<string>();
  readonly #waiters = new Set<Waiter>();
  #isLooking = false;
  #isClosed = false;

  constructor(parts: SequenceSyncParts, reader: () => SequenceReader | undefined) {
    const isListed = compileNames(parts.settings.sequenceInclude ?? []);
    this.#parts = parts;
    this.#reader = reader;
    this.#filter = { tables: parts.filter, isListed: (schema, name) => isListed(`${schema}.${name}`) };
  }

  /** As `note`; resolves when the log has them. Throws TransientError when this run ends first: the next one of this process sends them. */
  async request(signal: AbortSignal): Promise<void> {
    if (this.#isClosed) throw ended();
    await this.note();
    const { number } = this.#parts.wish;
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => waiter.reject();
      const settle = (): void => {
        this.#waiters.delete(waiter);
        signal.removeEventListener('abort', leave);
      };
      const waiter: Waiter = {
        number,
        resolve: () => (settle(), resolve()),
        reject: () => (settle(), reject(ended())),
      };
      this.#waiters.add(waiter);
      if (this.#isClosed || signal.aborted) waiter.reject();
      else signal.addEventListener('abort', leave);
    });
  }

  /** All of them are sent in one of the next batches; an idle source is made to have one. */
  async note(): Promise<void> {
    try {
      await this.#wishFor('all');
    } catch (error) {
      if (!(error instanceof TransientError)) throw error; // it is noted: the next run makes its place
    }
  }

  /** Those that have changed since they were sent are sent in one of the next batches, if there are any. */
  async look(): Promise<void> {
    if (this.#parts.wish.kind !== undefined || this.#isLooking) return;
    this.#isLooking = true;
    try {
      const states = await this.#read();
      if (states.some((state) => this.#isNew(state))) await this.#wishFor('changed');
    } finally {
      this.#isLooking = false;
    }
  }

  /** The batches, with what is wanted added to them. `from` is where they begin. */
  async *add(batches: AsyncIterable<Batch>, from: Position): AsyncGenerator<Batch> {
    const { wish } = this.#parts;
    const timer = this.#watch();
    let last = from;
    try {
      if (wish.kind !== undefined) await this.#nudge();
      for await (const batch of batches) {
        const { position } = batch;
        // One that is not consistent belongs to a copy: nothing is promised of the rows before it.
        const isPlace = position !== undefined && position > last && batch.consistent;
        const isOpen = wish.kind !== undefined && this.#underWay?.number !== wish.number;
        if (isPlace && isOpen) await this.#addTo(batch, position);
        if (position !== undefined) last = position;
        yield batch;
      }
    } finally {
      clearInterval(timer);
    }
  }

  /** Everything up to the position is stored. */
  acknowledged(position: Position): void {
    const { wish } = this.#parts;
    if (this.#underWay === undefined || position < this.#underWay.position) return;
    const { number } = this.#underWay;
    if (number === wish.number) wish.kind = undefined;
    this.#underWay = undefined;
    for (const waiter of this.#waiters) if (waiter.number <= number) waiter.resolve();
  }

  /** Nothing is sent any more: who waits is told. */
  close(): void {
    this.#isClosed = true;
    for (const waiter of this.#waiters) waiter.reject();
  }

  #watch(): NodeJS.Timeout | undefined {
    const { sequenceSyncIntervalMs: intervalMs = 0 } = this.#parts.settings;
    if (intervalMs === 0) return undefined;
    const failed = (error: unknown): void => {
      // A connection that was lost is its owner's to judge, and what passes is looked at again.
      if (!(error instanceof TransientError)) this.#reader()?.failed(error);
    };
    return setInterval(() => void this.look().catch(failed), intervalMs);
  }

  async #wishFor(kind: 'all' | 'changed'): Promise<void> {
    const { wish } = this.#parts;
    if (wish.kind !== 'all') wish.kind = kind; // what is wanted more stays
    wish.number++;
    await this.#nudge();
  }

  async #addTo(batch: Batch, position: Position): Promise<void> {
    const { wish, clock } = this.#parts;
    this.#underWay = { number: wish.number, position };
    const isAll = wish.kind === 'all';
    const states = (await this.#read()).filter((state) => isAll || this.#isNew(state));
    const commitLsn = positionToLsn(position);
    if (batch.transactions.length === 0) {
      batch.transactions.push({ xid: 0, commitLsn, commitTimeUs: clock.now() * 1000 });
    }
    for (let at = 0; at < states.length; at += AT_ONCE) {
      const sequences = states.slice(at, at + AT_ONCE);
      batch.addControl({ kind: 'sequences', sequences }, batch.transactions.length - 1, commitLsn);
    }
    for (const state of states) this.#sent.set(nameOf(state), JSON.stringify(state));
  }

  async #read(): Promise<readonly SequenceState[]> {
    const { client, warn } = this.#parts;
    const { states, unreadable } = await readSequences(client, this.#filter);
    for (const name of unreadable) {
      if (this.#told.has(name)) continue;
      this.#told.add(name);
      warn(
        `Sequence ${name} is not synchronised: the connector's role may not read it`,
        `As its owner: grant select on sequence ${name} to the role, and usage on its schema.`,
      );
    }
    return states;
  }

  #isNew(state: SequenceState): boolean {
    return this.#sent.get(nameOf(state)) !== JSON.stringify(state);
  }

  /** An idle stream has no position that grows: a message that nobody reads makes one. A standby has to wait for its primary. */
  async #nudge(): Promise<void> {
    this.#reader()?.hurry();
    try {
      await this.#parts.client.query(/* sql */ `select pg_catalog.pg_logical_emit_message(true, 'rowcast', '')
        where not pg_catalog.pg_is_in_recovery()`);
    } catch (error) {
      throw postgresError(
        error,
        'Cannot write into the WAL of the source, to make a place for the states of sequences',
      );
    }
  }
}

function ended(): TransientError {
  return new TransientError('The source ended before the log had where its sequences stand');
}

function nameOf({ schema, name }: SequenceState): string {
  return JSON.stringify([schema, name]);
}
