import type pg from 'pg';
import type { Clock } from '../../clock.ts';
import { postgresError } from '../../postgres/errors.ts';
import type { TriggerNames } from './names.ts';

/** While transactions that have written events are open, it is looked again after this long, and then less and less often. */
const FIRST_WAIT_MS = 10;
const LONGEST_WAIT_MS = 100;

/**
 * Puts a source to sleep until there are events. A sleeping source holds an advisory lock, so that writers know whom to wake, and NOTIFY, which
 * lets commits wait for one another, is not paid for by those who write while it is awake. A writer holds the lock shared until its transaction ends: so a
 * source that has fallen asleep has seen everything that was written without waking it.
 */
export class Wake {
  readonly #client: pg.Client;
  readonly #names: TriggerNames;
  readonly #clock: Clock;
  #isAsleep = false;
  #waitMs = FIRST_WAIT_MS;
  #isNotified = false;
  #notified: () => void = () => {};

  constructor(client: pg.Client, names: TriggerNames, clock: Clock) {
    this.#client = client;
    this.#names = names;
    this.#clock = clock;
    client.on('notification', ({ channel }) => {
      if (channel === names.channel) this.now();
    });
  }

  /** Begins to hear of events. */
  async listen(): Promise<void> {
    await this.#query(/* sql */ `listen ${this.#names.channel}`);
  }

  /** Ends a wait, or the next one. */
  now(): void {
    this.#isNotified = true;
    this.#notified();
  }

  /** There were events: whoever writes now need not wake it. */
  async awake(): Promise<void> {
    this.#waitMs = FIRST_WAIT_MS;
    if (!this.#isAsleep) return;
    this.#isAsleep = false;
    await this.#query(/* sql */ `select pg_catalog.pg_advisory_unlock(${this.#names.sleepLock})`);
  }

  /** Resolves when there may be events, at most after `limitMs`. Rejects when the signal aborts. */
  async wait(limitMs: number, signal: AbortSignal): Promise<void> {
    if (this.#isAsleep) return await this.#sleep(limitMs, signal);
    const sql = /* sql */ `select pg_catalog.pg_try_advisory_lock(${this.#names.sleepLock}) as locked`;
    this.#isAsleep = (await this.#query<{ locked: boolean }>(sql)).rows[0]?.locked === true;
    if (this.#isAsleep) return; // what was written until now is there to be seen, what follows wakes
    await this.#sleep(Math.min(this.#waitMs, limitMs), signal);
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const over = new AbortController();
    const notified = new Promise<void>((resolve) => {
      this.#notified = resolve;
    });
    if (this.#isNotified) this.#notified();
    try {
      const passed = this.#clock.sleep(ms, AbortSignal.any([signal, over.signal]));
      passed.catch(() => {}); // ended because it was notified
      await Promise.race([notified, passed]);
    } finally {
      over.abort();
      this.#isNotified = false;
      this.#notified = () => {};
    }
  }

  async #query<Row extends pg.QueryResultRow>(sql: string): Promise<pg.QueryResult<Row>> {
    try {
      return await this.#client.query<Row>(sql);
    } catch (error) {
      throw postgresError(error, 'Cannot wait for captured events');
    }
  }
}
