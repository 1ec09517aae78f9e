import type { Clock } from '../clock.ts';
import { OperatorError, OversizeError, PositionLostError, ShortageError, TransientError } from '../errors.ts';
import { isInterruption } from './interruption.ts';

/** What a supervised task is doing, as its supervisor sees it. */
export type TaskState =
  | { readonly kind: 'running' }
  | { readonly kind: 'retrying'; readonly error: TransientError; readonly attempt: number; readonly delayMs: number }
  /** `resumeMs`: after this time it is looked whether a person has cured it; absent: only a new start goes on. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly resumeMs?: number }
  | { readonly kind: 'stopped' };

export interface SuperviseOptions {
  readonly clock: Clock;
  /** A number in [0, 1), for jitter. */
  readonly jitter: () => number;
  readonly onState: (state: TaskState) => void;
  /** How long a failure that a person can cure waits at least, and at most twice as long, before it is tried again; 0 or absent: for ever. */
  readonly resumeMs?: number | undefined;
}

const FIRST_DELAY_MS = 100;
/** A server that comes back is found soon: short enough that everything runs again within seconds. */
const LONGEST_DELAY_MS = 2_000;
/** What a full disk or memory is given to recover: every try takes some of it. */
const LONGEST_SHORTAGE_MS = 30_000;
/** A run that lasted this long had recovered: the next failure starts with the first delay again. */
const STEADY_MS = 30_000;

/**
 * Runs `task` again and again while it fails for reasons that pass, with growing delays; resolves when `signal` aborts or the task
 * ends by itself. What a person can cure (OperatorError) is tried again slowly when `resumeMs` says so. Any other error ends it and is
 * thrown, after `onState` has seen it: no later try would go better, or it is a bug.
 */
export async function supervise(
  task: (signal: AbortSignal) => Promise<void>,
  { clock, jitter, onState, resumeMs = 0 }: SuperviseOptions,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const startedAt = clock.monotonic();
    try {
      onState({ kind: 'running' });
      await task(signal);
      onState({ kind: 'stopped' });
      return;
    } catch (error) {
      if (isInterruption(error, signal)) break;
      let delayMs: number;
      if (error instanceof TransientError) {
        if (clock.monotonic() - startedAt > STEADY_MS) attempt = 1;
        delayMs = backoffMs(error, attempt) * (0.5 + jitter() / 2);
        onState({ kind: 'retrying', error, attempt, delayMs });
      } else if (resumeMs > 0 && isCurable(error)) {
        attempt = 0;
        delayMs = resumeMs * (1 + jitter());
        onState({ kind: 'failed', error, resumeMs: delayMs });
      } else {
        onState({ kind: 'failed', error });
        throw error;
      }
      if (!(await slept(clock, delayMs, signal))) break;
    }
  }
  onState({ kind: 'stopped' });
}

/** True for what goes on by itself once a person has acted; a lost position, or a record that is too large, does not. */
export function isCurable(error: unknown): boolean {
  return error instanceof OperatorError && !(error instanceof PositionLostError) && !(error instanceof OversizeError);
}

function backoffMs(error: TransientError, attempt: number): number {
  const longest = error instanceof ShortageError ? LONGEST_SHORTAGE_MS : LONGEST_DELAY_MS;
  return Math.min(longest, FIRST_DELAY_MS * 2 ** (attempt - 1));
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
