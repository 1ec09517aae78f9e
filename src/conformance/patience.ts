import { setTimeout as sleep } from 'node:timers/promises';
import { ConformanceError } from './source-kit.ts';

const LOOK_MS = 20;

/** Looks until `condition` holds; throws ConformanceError with `what` was waited for after `patienceMs`. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  patienceMs: number,
  what: () => string,
): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new ConformanceError(`Waited in vain for ${what()}`);
    await sleep(LOOK_MS);
  }
}

/** True when the promise settles within `ms`. It must not reject. */
export async function settles(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const over = new AbortController();
  const late = sleep(ms, false, { signal: over.signal }).catch(() => false);
  const isSettled = await Promise.race([promise.then(() => true), late]);
  over.abort();
  return isSettled;
}
