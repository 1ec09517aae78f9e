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

/** Says that a loop is at another step now, or at the same one with something new: either is progress. */
export function enter(loop: { stage: Stage }, name: string, now: number): void {
  loop.stage = { name, since: now, isWaiting: false };
}

/** Says that a loop waits for somebody to write; goes on waiting when it already does. */
export function wait(loop: { stage: Stage }, name: string, now: number): void {
  if (!loop.stage.isWaiting || loop.stage.name !== name) loop.stage = { name, since: now, isWaiting: true };
}
