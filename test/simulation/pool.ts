import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { bundleSimulation, type Patch } from './bundle.ts';
import type { Failure, Job, JobResult, Message } from './worker.ts';

/** Seeds that one job of a worker thread runs. */
const JOB_SEEDS = 50;

/** What to run, and whom to tell. */
export interface Campaign {
  readonly from: number;
  readonly seeds: number;
  readonly twice: boolean;
  /** Runs only seeds whose last digit is one of these; absent: all. */
  readonly digits?: readonly number[] | undefined;
  /** Ends with the lowest failing seed. */
  readonly untilFailure: boolean;
  readonly onJob?: (done: JobResult) => void;
  readonly print?: (line: string) => void;
}

/** Bundles the simulation with `patches` and starts threads that run it; `root` is the project's folder. */
export async function openPool(root: string, patches: readonly Patch[], threads: number): Promise<Pool> {
  return new Pool(await bundleSimulation(root, patches), threads);
}

/** Worker threads that run one bundle of the simulation. */
export class Pool implements AsyncDisposable {
  readonly #bundle: string;
  readonly #workers: Worker[];

  constructor(bundle: string, threads: number) {
    this.#bundle = bundle;
    this.#workers = Array.from({ length: threads }, () => new Worker(bundle));
  }

  /** Runs the campaign on all threads and returns its failures, lowest seed first. */
  async run(campaign: Campaign): Promise<Failure[]> {
    const { from, seeds, twice, digits, untilFailure, onJob, print } = campaign;
    const failures: Failure[] = [];
    let next = from;
    const drive = async (worker: Worker): Promise<void> => {
      while (next < from + seeds && !(untilFailure && failures.length > 0)) {
        const start = next;
        next = Math.min(start + JOB_SEEDS, from + seeds);
        const result = await ask(
          worker,
          { from: start, to: next, twice, digits, untilFailure, print: print !== undefined },
          print,
        );
        failures.push(...result.failures);
        onJob?.(result);
      }
    };
    await Promise.all(this.#workers.map(drive));
    return failures.sort((a, b) => a.seed - b.seed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
    await rm(dirname(this.#bundle), { recursive: true });
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
