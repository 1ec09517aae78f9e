import type { FailPoint } from '../failpoint.ts';
import type { Random } from './random.ts';

/** How the service is to end. A fail point is armed when the service starts; signals come `delayMs` after something new was applied. */
export type PlannedKill =
  | { readonly kind: 'failpoint'; readonly point: FailPoint; readonly passage: number }
  | { readonly kind: 'SIGKILL' | 'SIGTERM'; readonly delayMs: number };

const LONGEST_DELAY_IN_COPY_MS = 400;

/** A fail point, armed for one of its first passages. */
export function atPoint(point: FailPoint, most: number, random: Random): PlannedKill {
  return { kind: 'failpoint', point, passage: random.between(1, most) };
}

/** A kill from outside soon after something of a copy was applied. */
export function inCopy(random: Random): PlannedKill {
  return { kind: 'SIGKILL', delayMs: random.below(LONGEST_DELAY_IN_COPY_MS) };
}
