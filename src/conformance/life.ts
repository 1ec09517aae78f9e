import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Converter } from '../converter/converter.ts';
import { describeError, TransientError } from '../errors.ts';
import type { Log } from '../log/log.ts';
import { runSource, type SourceLoopOptions } from '../pipeline/source-loop.ts';
import { starting } from '../pipeline/stage.ts';
import type { HeldSource } from '../source/source.ts';
import { systemClock } from '../worker/system-clock.ts';
import { Gate, type Kill } from './gate.ts';
import { mortalLog } from './mortal-log.ts';
import { mortalSource, type Observe } from './mortal-source.ts';
import { settles } from './patience.ts';
import { ConformanceError, type SourceKit, type SourcePlace } from './source-kit.ts';
import { Wire } from './wire.ts';

const RETRY_MS = 50;
/** How long what is left of a killed process may take to see that its connections are gone. */
const TIDY_MS = 10_000;

export interface LifeOptions {
  readonly kit: SourceKit;
  readonly place: SourcePlace;
  readonly log: Log;
  readonly converter: Converter;
  readonly prefix: string;
  /** Counts the processes of a source: a later one is newer. */
  readonly number: number;
  readonly kill?: Kill | undefined;
  readonly observe: Observe;
  readonly beforePublish: () => Promise<void>;
}

/** One process of a source, from its start until it is stopped or killed: nothing of it is left for the next one but what server and log have. */
export class Life implements AsyncDisposable {
  readonly #stopping = new AbortController();
  readonly #gate: Gate;
  readonly #held = new Set<HeldSource>();
  readonly #wire: Wire;
  readonly progress: SourceLoopOptions['progress'] = {
    state: 'starting',
    stage: starting(0),
    changes: 0,
    records: 0,
    bytes: 0,
    checkpoints: 0,
    position: undefined,
    committedAt: 0,
  };
  readonly ended: Promise<void>;
  /** What has ended it, other than a stop or a kill. */
  failure: unknown;
  /** Why it was tried again last. */
  retried: unknown;

  private constructor(options: LifeOptions, wire: Wire) {
    const { kill } = options;
    this.#wire = wire;
    this.#gate = new Gate(kill, () => {
      wire.cut();
      this.#stopping.abort();
    });
    wire.onExchange = (exchanges) => {
      if (kill?.at === 'exchange' && exchanges === kill.n) this.#gate.end(`at exchange ${exchanges} with its server`);
    };
    this.ended = this.#live(options);
  }

  static async begin(options: LifeOptions): Promise<Life> {
    const wire = await Wire.open(options.place.connection);
    const connection = { ...options.place.connection, host: '127.0.0.1', port: wire.port };
    return new Life({ ...options, place: { ...options.place, connection } }, wire);
  }

  get wire(): Pick<Wire, 'receivedBytes' | 'connections'> {
    return this.#wire;
  }

  get diedAt(): string | undefined {
    return this.#gate.diedAt;
  }

  /** Throws what has ended it, if anything has. */
  assertFit(): void {
    if (this.failure !== undefined) {
      throw new ConformanceError(`The source failed: ${describeError(this.failure)}`, { cause: this.failure });
    }
  }

  /** Ends it in good order. Throws ConformanceError when it does not end within `patienceMs`, or not cleanly. */
  async stop(patienceMs: number): Promise<void> {
    this.#stopping.abort();
    if (!(await settles(this.ended, patienceMs))) {
      this.#gate.end('because it did not stop');
      throw new ConformanceError(`The source did not stop within ${patienceMs} ms`);
    }
    this.assertFit();
  }

  /** Kills it now, wherever it is. */
  async kill(): Promise<void> {
    this.#gate.end('from outside');
    await this.buried();
  }

  /** Resolves when nothing of a killed process moves any more. */
  async buried(): Promise<void> {
    if (await settles(this.ended, TIDY_MS)) return;
    throw new ConformanceError(`The source goes on though all its connections were cut (${this.diedAt})`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#gate.end('at the end');
    await settles(this.ended, TIDY_MS);
    await this.#wire[Symbol.asyncDispose]();
  }

  async #live(options: LifeOptions): Promise<void> {
    const loop = this.#loopOptions(options);
    const { signal } = this.#stopping;
    try {
      while (!signal.aborted) {
        try {
          return await runSource(loop, signal);
        } catch (error) {
          if (this.diedAt !== undefined) return;
          if (!(error instanceof TransientError)) throw error;
          this.retried = error;
          await sleep(RETRY_MS);
        }
      }
    } catch (error) {
      this.failure = error;
    } finally {
      await this.#tidy();
    }
  }

  /** What the process has open dies with it. Its connections are cut, so nothing of this reaches the server. */
  async #tidy(): Promise<void> {
    if (this.diedAt === undefined) return;
    const ends = [...this.#held].map((held) => held[Symbol.asyncDispose]());
    await settles(Promise.allSettled(ends), TIDY_MS);
  }

  #loopOptions(options: LifeOptions): SourceLoopOptions {
    const { kit, place, log, converter, prefix, number, observe, beforePublish } = options;
    // Of two processes the one with the greater id is newer; the rest is random.
    const random = (): string => `${String(number).padStart(8, '0')}${randomUUID().slice(8)}`;
    return {
      source: mortalSource(kit.create(place), this.#gate, observe, (held) => this.#held.add(held)),
      log: mortalLog(log, this.#gate, beforePublish),
      converter,
      clock: systemClock,
      random,
      prefix,
      daemon: 'conformance',
      topics: { partitions: 1, config: {} },
      tombstones: true,
      recordBatchBytes: 900_000,
      memory: { incarnation: undefined, stored: undefined, takeOver: false },
      progress: this.progress,
    };
  }
}
