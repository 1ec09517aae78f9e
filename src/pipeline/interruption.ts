import { TransientError } from '../errors.ts';

/** True when `error` only says that `signal` ended the work: nothing failed, the next start goes on from what is stored. */
export function isInterruption(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  if (error === signal.reason || error instanceof TransientError) return true;
  return error instanceof Error && error.name === 'AbortError';
}
