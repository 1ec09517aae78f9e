/**
 * One step of a loop, and since when (milliseconds since 1970) it has been at it. `isWaiting` is true where nothing has to happen for as
 * long as nobody writes; in any other stage standing still for long means stalled.
 */
export interface Stage {
  readonly name: string;
  readonly since: number;
  readonly isWaiting: boolean;
}

/** The stage of a loop that has not begun. */
export function starting(now: number): Stage {
  return { name: 'starting', since: now, isWaiting: false };
}
