import type { ConnectorFile } from '../../connector/load-file.ts';
import type { RunningTask, TaskPool } from '../task-pool.ts';
import { effectiveDigest } from './effective.ts';

/** What a place tells about its connector; every one happened just now. */
export interface PlaceEvents {
  started(connector: ConnectorFile, isRestart: boolean): void;
  /** It is stopped for good, because nothing wants it any more. */
  removed(connector: ConnectorFile): void;
}

interface Running {
  readonly digest: string;
  readonly task: RunningTask;
}

/**
 * The place of one connector, by name: brings what runs to what is wanted, one step after the other, so that two tasks of one name never
 * run at once. What was wanted last wins; a slow stop here delays no other place.
 */
export class Place {
  readonly #pool: Pick<TaskPool, 'start'>;
  readonly #events: PlaceEvents;
  #takeOver: boolean;
  #wanted: ConnectorFile | undefined;
  #connector: ConnectorFile | undefined;
  #running: Running | undefined;
  #isMoving = false;
  #moved: Promise<void> = Promise.resolve();
  /** What runs is to be replaced even by its like. */
  #isStale = false;
  #isClosed = false;

  constructor(pool: Pick<TaskPool, 'start'>, events: PlaceEvents, takeOver: boolean) {
    this.#pool = pool;
    this.#events = events;
    this.#takeOver = takeOver;
  }

  /** What runs here, or is being stopped; its file, text and warnings are the newest. */
  get connector(): ConnectorFile | undefined {
    return this.#connector;
  }

  get task(): RunningTask | undefined {
    return this.#running?.task;
  }

  /** Nothing runs, and nothing is to. */
  get isVacant(): boolean {
    return this.#wanted === undefined && this.#running === undefined && !this.#isMoving;
  }

  /**
   * What is to run here from now on; undefined: nothing. `again` starts it anew although it does the same. Returns at once; a pool that
   * breaks its contract (a bug) becomes an unhandled rejection, which ends the process.
   */
  want(connector: ConnectorFile | undefined, again: boolean = false): void {
    this.#wanted = connector;
    this.#isStale ||= again && this.#running !== undefined;
    if (!this.#isMoving) this.#moved = this.#move();
  }

  /** Resolves when what is wanted runs. */
  async settled(): Promise<void> {
    await this.#moved;
  }

  /** Resolves when what is wanted here has ended by itself. */
  async ended(): Promise<void> {
    let running: Running | undefined;
    do {
      await this.#moved;
      running = this.#running;
      await running?.task.ended;
    } while (this.#running !== running || this.#isMoving);
  }

  /** Stops what runs, for now: the process ends, and the next one starts it again. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.want(undefined);
    await this.#moved;
  }

  #isBehind(): boolean {
    return this.#isStale || this.#running?.digest !== (this.#wanted && effectiveDigest(this.#wanted));
  }

  async #move(): Promise<void> {
    this.#isMoving = true;
    const before = this.#connector;
    let isRestart = false;
    while (this.#isBehind()) {
      if (this.#running) {
        await this.#running.task.stop();
        this.#running = undefined;
        this.#isStale = false;
        isRestart = true;
      } else if (this.#wanted) this.#start(this.#wanted, isRestart);
    }
    this.#connector = this.#wanted;
    if (before && !this.#wanted && !this.#isClosed) this.#events.removed(before);
    this.#isMoving = false;
  }

  #start(connector: ConnectorFile, isRestart: boolean): void {
    const task = this.#pool.start(connector, { takeOver: this.#takeOver });
    this.#takeOver = false; // once: whoever comes after this start may own it by right
    this.#running = { digest: effectiveDigest(connector), task };
    this.#connector = connector;
    this.#events.started(connector, isRestart);
  }
}
