import { availableParallelism } from 'node:os';
import type { ConnectorFile } from '../../connector/load-file.ts';
import type { Log } from '../../log/log.ts';
import type { Logger } from '../../observe/logger.ts';
import { makeTask } from '../composition.ts';
import type { ConnectorStatus } from '../status.ts';
import type { RunningTask, TaskPool } from '../task-pool.ts';
import type { WorkerConfig } from '../worker-config.ts';
import type { OpenHost } from './host.ts';
import { localHost } from './local-host.ts';
import { PooledTask } from './pooled-task.ts';
import { TaskThread } from './task-thread.ts';
import { workerHost } from './worker-host.ts';

export interface TaskPoolOptions {
  readonly config: Pick<
    WorkerConfig,
    'kafka' | 'registry' | 'compression' | 'threads' | 'shutdownTimeoutMs' | 'stallTimeoutMs'
  >;
  /** Who this daemon is, in claims. */
  readonly daemon: string;
  /** The embedded log, one that several tasks may publish to at once (serialLog); undefined with Kafka. It stays the caller's. */
  readonly log: Log | undefined;
  readonly logger: Logger;
  /** See TaskOrder. */
  readonly resumeMs?: number | undefined;
  /** Where tasks run instead of what `config.threads` says. */
  readonly openHost?: OpenHost;
}

/** A pool of as many threads as `config.threads` says, each begun when it is needed. */
export async function openTaskPool(options: TaskPoolOptions): Promise<TaskPool> {
  return new ThreadPool(options);
}

class ThreadPool implements TaskPool {
  readonly #options: TaskPoolOptions;
  readonly #threads: readonly TaskThread[];
  readonly #running = new Set<RunningTask>();
  #started = 0;

  constructor(options: TaskPoolOptions) {
    const { config, logger } = options;
    const { shutdownTimeoutMs, stallTimeoutMs, threads = availableParallelism() } = config;
    const openHost = options.openHost ?? (threads === 0 ? localHost(makeTask) : workerHost());
    const threadOptions = { openHost, logger, shutdownTimeoutMs, stallTimeoutMs };
    this.#options = options;
    this.#threads = Array.from({ length: Math.max(1, threads) }, () => new TaskThread(threadOptions));
  }

  start(connector: ConnectorFile, { takeOver }: { readonly takeOver: boolean }): RunningTask {
    const thread = leastLoaded(this.#threads);
    const task = new PooledTask(this.#started++, connector, takeOver, this.#options);
    thread.add(task);
    let stopping: Promise<void> | undefined;
    const running: RunningTask = {
      status: () => statusIn(thread, task),
      takesOver: () => task.takesOver,
      ask: (signal) => thread.ask(task, signal),
      ended: task.ended,
      stop: () => (stopping ??= thread.stop(task)),
    };
    this.#running.add(running);
    void task.ended.then(() => this.#running.delete(running));
    return running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running].map((task) => task.stop()));
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }
}

/** The one with the fewest tasks; of those, the one that has been least busy. */
function leastLoaded(threads: readonly TaskThread[]): TaskThread {
  const fewest = Math.min(...threads.map(({ size }) => size));
  const [first, ...others] = threads
    .filter(({ size }) => size === fewest)
    .map((thread) => {
      return { thread, utilization: thread.utilization() };
    });
  return others.reduce(
    (best, each) => (each.utilization < best.utilization ? each : best),
    first as NonNullable<typeof first>,
  ).thread;
}

/** What the task told last, unless its thread tells nothing any more. */
function statusIn({ silentSince }: TaskThread, { status }: PooledTask): ConnectorStatus {
  if (silentSince === undefined || status.state === 'stopped' || status.state === 'failed') return status;
  return { ...status, stage: { name: 'thread does not respond', since: silentSince, isWaiting: false } };
}
