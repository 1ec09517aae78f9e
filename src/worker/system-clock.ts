import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../clock.ts';

/** Real time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  // Not performance.now, which begins anew in each thread.
  monotonic: () => Number(process.hrtime.bigint()) / 1e6,
  async sleep(ms, signal) {
    await sleep(ms, undefined, { signal });
  },
};
