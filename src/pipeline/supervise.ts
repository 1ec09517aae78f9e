import type { Clock } from '../clock.ts';
import { TransientError } from '../errors.ts';
import { isInterruption } from './interruption.ts';

/** What a supervised task is doing, as its supervisor sees it. */
export type TaskState =
  | { readonly kind: 'running' }
  | { readonly kind: 'retrying'; readonly error: TransientError; readonly attempt: number; readonly delayMs: number }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'stopped' };

export interface SuperviseOptions {
  readonly clock: Clock;
  /** A number in [0, 1), for jitter. */
  readonly jitter: () => number;
  readonly onState: (state: TaskState) => void;
}

const FIRST_DELAY_MS = 100;
/** A server that comes back is found soon: short enough that everything runs again within seconds. */
const LONGEST_DELAY_MS = 2_000;
/** A run that lasted this long had recovered: the next failure starts with the first delay again. */
const STEADY_MS = 30_000;

/**
 * Runs `task` again and again while it fails for reasons that pass, with growing delays; resolves when `signal` aborts or the task
 * ends by itself. Any other error ends it and is thrown, after `onState` has seen it: it needs a person, or is a bug.
 */
export async function supervise(
  task: (signal: AbortSignal) => Promise<void>,
  { clock, jitter, onState }: SuperviseOptions,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const startedAt = clock.now();
    try {
      onState({ kind: 'running' });
      await task(signal);
      onState({ kind: 'stopped' });
      return;
    } catch (error) {
      if (isInterruption(error, signal)) break;
      if (!(error instanceof TransientError)) {
        onState({ kind: 'failed', error });
        throw error;
      }
      if (clock.now() - startedAt > STEADY_MS) attempt = 1;
      const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1)) * (0.5 + jitter() / 2);
      onState({ kind: 'retrying', error, attempt, delayMs });
      if (!(await slept(clock, delayMs, signal))) break;
    }
  }
  onState({ kind: 'stopped' });
}

async function slept(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(ms, signal);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
