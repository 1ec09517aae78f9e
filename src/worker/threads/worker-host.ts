import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ResourceLimits, Worker } from 'node:worker_threads';
import { describeError } from '../../errors.ts';
import { PROGRAM } from '../../program.ts';
import type { Host, HostEvents, OpenHost } from './host.ts';
import type { FromThread } from './messages.ts';

/** What a thread is made of; tests put other tasks into it. */
export interface WorkerHostOptions {
  readonly entry?: URL;
  readonly resourceLimits?: ResourceLimits;
  readonly workerData?: string;
}

/**
 * Rows are no objects: half of the default for new ones costs no time, and less memory for each thread. For old ones it is far more than a thread
 * ever has (35 MB with a thousand tables), and still tells V8 to let less garbage lie: how much it does depends on this limit.
 */
const LIMITS: ResourceLimits = { maxYoungGenerationSizeMb: 24, maxOldGenerationSizeMb: 768 };

const ENTRY: URL = pathToFileURL(join(PROGRAM, 'worker', 'threads', `thread-main${extname(import.meta.url)}`));

/** Runs tasks in a worker thread; what ends that one touches nothing else. */
export function workerHost(options: WorkerHostOptions = {}): OpenHost {
  return (events) => new WorkerHost(options, events);
}

class WorkerHost implements Host {
  readonly #worker: Worker;
  #isEnded = false;
  #looked: ReturnType<Worker['performance']['eventLoopUtilization']>;

  constructor({ entry = ENTRY, ...options }: WorkerHostOptions, { onMessage, onDeath }: HostEvents) {
    const worker = new Worker(entry, { name: 'rowcast tasks', resourceLimits: LIMITS, ...options });
    this.#worker = worker;
    this.#looked = worker.performance.eventLoopUtilization();
    let reason: string | undefined;
    worker.on('message', (message: FromThread) => {
      if (!this.#isEnded) onMessage(message);
    });
    worker.on('error', (error) => {
      reason = describeError(error);
    });
    worker.on('exit', (code) => {
      if (this.#isEnded) return;
      this.#isEnded = true;
      onDeath(reason ?? `it exited with code ${code}`);
    });
  }

  post(...[message, transfer]: Parameters<Host['post']>): void {
    this.#worker.postMessage(message, transfer);
  }

  async end(): Promise<void> {
    this.#isEnded = true;
    await this.#worker.terminate();
  }

  utilization(): number {
    const now = this.#worker.performance.eventLoopUtilization();
    const { utilization } = this.#worker.performance.eventLoopUtilization(now, this.#looked);
    this.#looked = now;
    return utilization;
  }
}
