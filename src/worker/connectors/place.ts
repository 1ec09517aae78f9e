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
  #task: RunningTask | undefined;
  #isMoving = false;
  #moved: Promise<void> = Promise.resolve();
  /** What runs is to be replaced even by its like. */
  #isStale = false;
  #isClosed = false;
  /** How many are at work that nothing may run beside. */
  #held = 0;
  /** Nothing runs here until somebody says so, whatever is wanted. */
  #isResting = false;
  #woken: Promise<void> = Promise.resolve();
  #wake: () => void = () => {};

  constructor(pool: Pick<TaskPool, 'start'>, events: PlaceEvents, takeOver: boolean) {
    this.#pool = pool;
    this.#events = events;
    this.#takeOver = takeOver;
  }

  /** What runs here, or is being stopped; its file, text and warnings are the newest. */
  get connector(): ConnectorFile | undefined {
    return this.#connector;
  }

  /** The task that runs, or ran last. */
  get task(): RunningTask | undefined {
    return this.#task;
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

  /** Whether something runs here, or is being stopped. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Stops what runs and lets nothing run, although it stays wanted; or lets it go on. Returns at once. */
  rest(isResting: boolean): void {
    if (this.#isResting === isResting) return;
    this.#isResting = isResting;
    this.#wake();
    if (isResting) this.#woken = new Promise((resolve) => (this.#wake = resolve));
    this.want(this.#wanted);
  }

  /** Resolves when what is wanted runs. */
  async settled(): Promise<void> {
    await this.#moved;
  }

  /** Resolves when what is wanted here has ended by itself: what rests has not. */
  async ended(): Promise<void> {
    let running: Running | undefined;
    do {
      await this.#moved;
      running = this.#running;
      await running?.task.ended;
      await this.#woken;
    } while (this.#running !== running || this.#isMoving);
  }

  /** Does something while nothing runs here; then what is wanted by that time runs again. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    this.#held++;
    try {
      this.want(this.#wanted);
      await this.#moved;
      return await work();
    } finally {
      this.#held--;
      this.want(this.#wanted);
    }
  }

  /** Stops what runs because the process ends; it stays wanted, and the next process starts it again. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.want(undefined);
    await this.#moved;
  }

  #isBehind(): boolean {
    const next = this.#next();
    return this.#isStale || this.#running?.digest !== (next && effectiveDigest(next));
  }

  #next(): ConnectorFile | undefined {
    return this.#held > 0 || this.#isResting ? undefined : this.#wanted;
  }

  async #move(): Promise<void> {
    this.#isMoving = true;
    const before = this.#connector;
    let isRestart = false;
    while (this.#isBehind()) {
      if (this.#running) {
        const { task } = this.#running;
        await task.stop();
        this.#takeOver = task.takesOver();
        this.#running = undefined;
        this.#isStale = false;
        isRestart = true;
      } else {
        const next = this.#next();
        if (next) this.#start(next, isRestart);
      }
    }
    this.#isMoving = false;
    if (this.#held > 0) return; // what is to become of it is seen when it is let go
    this.#connector = this.#wanted;
    if (before && !this.#wanted && !this.#isClosed) this.#events.removed(before);
  }

  #start(connector: ConnectorFile, isRestart: boolean): void {
    const task = this.#pool.start(connector, { takeOver: this.#takeOver });
    this.#running = { digest: effectiveDigest(connector), task };
    this.#connector = connector;
    this.#task = task;
    this.#events.started(connector, isRestart);
  }
}
