import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { bundleSimulation, type Patch } from './bundle.ts';
import type { Failure, Job, JobResult, Message } from './worker.ts';

/** Seeds that one job of a worker thread runs. */
const JOB_SEEDS = 50;
/** A thread is replaced after so many: of what dead processes listen to with AbortSignal.any, Node.js keeps everything, a third of a megabyte per seed. */
const THREAD_JOBS = 20;

/** What to run, and whom to tell. */
export interface Campaign {
  readonly from: number;
  readonly seeds: number;
  readonly twice: boolean;
  /** Runs only seeds whose last digit is one of these; absent: all. */
  readonly digits?: readonly number[] | undefined;
  /** Ends with the lowest failing seed. */
  readonly untilFailure: boolean;
  /** Ends after the seeds that are being run. */
  readonly signal?: AbortSignal | undefined;
  readonly onJob?: (done: JobResult) => void;
  readonly print?: (line: string) => void;
}

/** Bundles the simulation with `patches` and starts threads that run it; `root` is the project's folder. */
export async function openPool(root: string, patches: readonly Patch[], threads: number): Promise<Pool> {
  return new Pool(await bundleSimulation(root, patches), threads);
}

interface Thread {
  worker: Worker;
  /** That it was given. */
  jobs: number;
}

/** Worker threads that run one bundle of the simulation. */
export class Pool implements AsyncDisposable {
  readonly #bundle: string;
  readonly #threads: Thread[];

  constructor(bundle: string, threads: number) {
    this.#bundle = bundle;
    this.#threads = Array.from({ length: threads }, () => ({ worker: new Worker(bundle), jobs: 0 }));
  }

  /** Runs the campaign on all threads and returns its failures, lowest seed first. */
  async run(campaign: Campaign): Promise<Failure[]> {
    const { from, seeds, twice, digits, untilFailure, signal, onJob, print } = campaign;
    const failures: Failure[] = [];
    let next = from;
    const drive = async (thread: Thread): Promise<void> => {
      while (next < from + seeds && !(untilFailure && failures.length > 0) && !signal?.aborted) {
        const start = next;
        const to = Math.min(start + JOB_SEEDS, from + seeds);
        next = to;
        const worker = await this.#fresh(thread);
        const job = { from: start, to, twice, digits, untilFailure, print: print !== undefined };
        const result = await ask(worker, job, print);
        failures.push(...result.failures);
        onJob?.(result);
      }
    };
    await Promise.all(this.#threads.map(drive));
    return failures.sort((a, b) => a.seed - b.seed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
    await rm(dirname(this.#bundle), { recursive: true });
  }

  async #fresh(thread: Thread): Promise<Worker> {
    if (thread.jobs++ < THREAD_JOBS) return thread.worker;
    await thread.worker.terminate();
    thread.worker = new Worker(this.#bundle);
    thread.jobs = 1;
    return thread.worker;
  }
}

function ask(worker: Worker, job: Job, print: ((line: string) => void) | undefined): Promise<JobResult> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: Message): void => {
      if ('line' in message) return print?.(message.line);
      worker.off('message', onMessage);
      worker.off('error', reject);
      resolve(message.result);
    };
    worker.on('message', onMessage);
    worker.once('error', reject);
    worker.postMessage(job);
  });
}
