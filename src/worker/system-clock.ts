import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../clock.ts';

/** Real time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    await sleep(ms, undefined, { signal });
  },
};
