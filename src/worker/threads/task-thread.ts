import { setTimeout as sleep } from 'node:timers/promises';
import type { RawSignal } from '../../change/signal.ts';
import { describeError, OperatorError } from '../../errors.ts';
import type { Logger } from '../../observe/logger.ts';
import type { Host, OpenHost } from './host.ts';
import type { FromThread } from './messages.ts';
import type { PooledTask } from './pooled-task.ts';

export interface TaskThreadOptions {
  readonly openHost: OpenHost;
  readonly logger: Logger;
  /** How long a task may take to drain; its thread is ended when it has not ended soon after that. */
  readonly shutdownTimeoutMs: number;
  /** A thread that is silent for longer does not respond. */
  readonly stallTimeoutMs: number;
}

/** What is given up after its time still needs a moment to close its connections. */
const LONGEST_CLOSE_MS = 2_000;
/** A thread that dies again and again is renewed ever more slowly: what kills it may be costly (memory). */
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
/** One that has lived this long begins with the first delay again. */
const STEADY_MS = 60_000;

/**
 * A place for a thread, and the tasks in it: opened for the first task, renewed when it dies. What kills it stays with its own tasks:
 * they go on together in the new thread.
 */
export class TaskThread {
  readonly #options: TaskThreadOptions;
  readonly #tasks = new Map<number, PooledTask>();
  readonly #closed = new AbortController();
  #host: Host | undefined;
  /** Between two threads. */
  #isRenewing = false;
  /** The end of a thread that had to be ended. */
  #ending: Promise<void> | undefined;
  #openedAt = 0;
  #heardAt = 0;
  #deaths = 0;

  constructor(options: TaskThreadOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#tasks.size;
  }

  /** See Host.utilization. */
  utilization(): number {
    return this.#host?.utilization() ?? 0;
  }

  /** Since when (milliseconds since 1970) nothing was heard of it, if that is for too long. */
  get silentSince(): number | undefined {
    const silence = performance.now() - this.#heardAt;
    return this.#host === undefined || silence <= this.#options.stallTimeoutMs ? undefined : Date.now() - silence;
  }

  add(task: PooledTask): void {
    this.#tasks.set(task.id, task);
    if (!this.#isRenewing) this.#order(task);
  }

  /** Stops a task of this thread; one that does not end in time is ended with its thread. */
  async stop(task: PooledTask): Promise<void> {
    const { logger, shutdownTimeoutMs } = this.#options;
    task.isStopping = true;
    if (this.#host === undefined) {
      await this.#ending;
      await this.#remove(task);
    }
    this.#host?.post({ kind: 'stop', id: task.id }, []);
    if (await endsWithin(task.ended, shutdownTimeoutMs + Math.min(shutdownTimeoutMs, LONGEST_CLOSE_MS))) return;
    if (this.#host !== undefined) {
      logger.error('connector did not stop in time: its thread was ended', { connector: task.name, shutdownTimeoutMs });
      await this.#abandon(this.#host, `Its thread was ended because connector ${task.name} did not stop`);
    }
    await task.ended;
  }

  /** Asks something of a task of this thread; resolves when it is done. Throws OperatorError when it does not run. */
  async ask(task: PooledTask, signal: RawSignal): Promise<void> {
    if (this.#host === undefined || !this.#tasks.has(task.id)) {
      throw new OperatorError(`Connector "${task.name}" does not run`, { advice: 'See `rowcast status` for why.' });
    }
    const { message, answer } = task.ask(signal);
    this.#host.post(message, []);
    await answer;
  }

  /** Ends the thread. Its tasks have been stopped before. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#host?.end();
    this.#host = undefined;
  }

  async #abandon(host: Host, message: string): Promise<void> {
    this.#host = undefined;
    this.#isRenewing = true;
    this.#ending = host.end();
    await this.#ending;
    await this.#renew(message, 0);
  }

  #order(task: PooledTask): void {
    try {
      const host = (this.#host ??= this.#open());
      const { message, transfer } = task.order();
      host.post(message, transfer);
    } catch (error) {
      task.fail(describeError(error)); // what cannot be posted cannot run, and must not hold up the others
      this.#options.logger.error('connector could not be handed to its thread', {
        connector: task.name,
        message: describeError(error),
      });
      void this.#remove(task);
    }
  }

  #open(): Host {
    this.#openedAt = performance.now();
    this.#heardAt = this.#openedAt;
    return this.#options.openHost({
      onMessage: (message) => this.#hear(message),
      onDeath: (reason) => this.#die(reason),
    });
  }

  #hear(message: FromThread): void {
    this.#heardAt = performance.now();
    if (message.kind === 'log') this.#options.logger[message.level](message.fact, message.fields);
    else if (message.kind !== 'alive') {
      const task = this.#tasks.get(message.id);
      if (message.kind === 'status') task?.hear(message);
      else if (message.kind === 'answer') task?.hearAnswer(message);
      else if (task !== undefined) void this.#remove(task);
    }
  }

  async #remove(task: PooledTask): Promise<void> {
    this.#tasks.delete(task.id);
    await task.end();
  }

  #die(reason: string): void {
    this.#host = undefined;
    this.#isRenewing = true;
    this.#deaths = performance.now() - this.#openedAt > STEADY_MS ? 1 : this.#deaths + 1;
    const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.#deaths - 1));
    const connectors = [...this.#tasks.values()].map(({ name }) => name).join(', ');
    this.#options.logger.error('worker thread died and is replaced', { reason, connectors, delayMs });
    void this.#renew(`Its thread died: ${reason}`, delayMs);
  }

  /** Runs the tasks in a new thread after a while. Nothing of the old one may use the log by then. */
  async #renew(message: string, delayMs: number): Promise<void> {
    const tasks = [...this.#tasks.values()];
    for (const task of tasks) if (!task.isStopping) task.interrupt(message);
    await Promise.all(tasks.map((task) => (task.isStopping ? this.#remove(task) : task.leaveLog())));
    await sleep(delayMs, undefined, { signal: this.#closed.signal }).catch(() => {}); // closed: there are no tasks any more
    this.#isRenewing = false;
    if (this.#closed.signal.aborted) return;
    for (const task of this.#tasks.values()) this.#order(task);
  }
}

async function endsWithin(ended: Promise<void>, ms: number): Promise<boolean> {
  const done = new AbortController();
  const timeout = sleep(ms, false, { signal: done.signal }).catch(() => false);
  const isInTime = await Promise.race([ended.then(() => true), timeout]);
  done.abort();
  return isInTime;
}
