import { parentPort } from 'node:worker_threads';
import { type RunResult, runSeed } from './run.ts';

// Stacks of errors that nobody reads cost more than the rest of a step.
Error.stackTraceLimit = 0;

/** Seeds [from, to), each twice when `twice`; stops at the first failure when `untilFailure`. */
export interface Job {
  readonly from: number;
  readonly to: number;
  readonly twice: boolean;
  readonly digits: readonly number[] | undefined;
  readonly untilFailure: boolean;
  /** Sends every step as a line. */
  readonly print: boolean;
}

export interface Failure {
  readonly seed: number;
  readonly what: string;
}

/** What the seeds of a job led to, added up. */
export interface JobResult {
  readonly runs: number;
  readonly steps: number;
  /** All traces, hashed together. */
  readonly trace: number;
  readonly failures: readonly Failure[];
  readonly counts: ReadonlyMap<string, number>;
}

/** What a worker thread sends. */
export type Message = { readonly line: string } | { readonly result: JobResult };

parentPort?.on('message', (job: Job) => {
  work(job).then(
    (result) => parentPort?.postMessage({ result } satisfies Message),
    (error: unknown) => {
      throw error;
    },
  );
});

// A task that nobody awaits any more is a task of a dead process; a rejection of the living is found by what does not happen.
async function work({ from, to, twice, digits, untilFailure, print }: Job): Promise<JobResult> {
  const failures: Failure[] = [];
  const counts = new Map<string, number>();
  let steps = 0;
  let trace = 0;
  let runs = 0;
  const printLine = print ? (line: string): void => parentPort?.postMessage({ line } satisfies Message) : undefined;
  for (let seed = from; seed < to; seed++) {
    if (digits?.includes(seed % 10) === false) continue;
    const result = await runSeed(seed, printLine);
    runs++;
    steps += result.steps;
    trace = (Math.imul(trace, 31) + result.trace) >>> 0;
    for (const [what, count] of result.counts) counts.set(what, (counts.get(what) ?? 0) + count);
    const what = result.failure ?? (twice ? await differs(result) : undefined);
    if (what === undefined) continue;
    failures.push({ seed, what });
    if (untilFailure) break;
  }
  return { runs, steps, trace, failures, counts };
}

async function differs(first: RunResult): Promise<string | undefined> {
  const second = await runSeed(first.seed);
  if (second.trace === first.trace && second.steps === first.steps) return undefined;
  return `two runs differ: ${first.trace} after ${first.steps} steps, ${second.trace} after ${second.steps}`;
}
