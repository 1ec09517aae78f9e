import type { Failure } from './execute.ts';
import { shrinkBytes } from './shrink.ts';
import { FuzzProcess } from './child.ts';

/** What is run, and how long. */
export interface Fuzzing {
  /** The compiled child-program. */
  readonly program: string;
  readonly targets: readonly string[];
  readonly seed: number;
  /** Executions of each target; the time ends it too. */
  readonly runs: number;
  /** How long each target may take. */
  readonly forMs: number;
  /** An input that takes longer counts as one that does not end. */
  readonly patienceMs: number;
  /** How long a failing input is made smaller. */
  readonly shrinkMs: number;
}

/** What became of one target. */
export interface Verdict {
  readonly target: string;
  readonly executions: number;
  readonly decoded: number;
  readonly refused: number;
  readonly failure?: FoundFailure;
}

export interface FoundFailure extends Failure {
  readonly input: Buffer;
  readonly shrunk: Buffer;
}

/** Runs the targets one after another and tells what became of each as soon as it is known. */
export async function* fuzz(fuzzing: Fuzzing, signal: AbortSignal): AsyncGenerator<Verdict> {
  await using child = new FuzzProcess(fuzzing.program, fuzzing.patienceMs);
  for (const target of fuzzing.targets) {
    if (signal.aborted) return;
    const { seed, runs, forMs, shrinkMs } = fuzzing;
    const { executions, decoded, refused, failure, input } = await child.request({ target, seed, runs, forMs });
    const verdict = { target, executions, decoded, refused };
    if (failure === undefined || input === undefined) yield verdict;
    else {
      const shrunk = await shrunkOf(child, target, failure, input, shrinkMs, signal);
      yield { ...verdict, failure: { ...failure, input, shrunk } };
    }
  }
}

async function shrunkOf(
  child: FuzzProcess,
  target: string,
  failure: Failure,
  input: Buffer,
  shrinkMs: number,
  signal: AbortSignal,
): Promise<Buffer> {
  if (failure.kind === 'corpus') return input;
  const end = performance.now() + shrinkMs;
  const isOver = (): boolean => signal.aborted || performance.now() > end;
  return await shrinkBytes(
    input,
    async (smaller) => {
      const now = (await child.request({ target, input: smaller.toString('hex') })).failure;
      return now !== undefined && classOf(now) === classOf(failure);
    },
    isOver,
  );
}

/** A smaller input that fails in another way is another bug. */
function classOf({ kind, what }: Failure): string {
  return kind === 'crash' ? (what.split(':')[0] as string) : kind;
}
