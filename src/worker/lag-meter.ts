import type { Position } from '../change/position.ts';

/** Positions on their way at once; a backlog beyond them shows the lag of the oldest that is remembered. */
const REMEMBERED = 4096;

/** Measures how long transactions take from their commit on the source to their commit on the replica. */
export class LagMeter {
  readonly #now: () => number;
  #waiting: { readonly position: Position; readonly committedAt: number }[] = [];
  #lagMs: number | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Milliseconds that the transaction applied last had taken; or that the oldest one on its way takes already, if that is more. */
  get lagMs(): number | undefined {
    const oldest = this.#waiting[0];
    if (oldest === undefined) return this.#lagMs;
    return Math.max(this.#lagMs ?? 0, this.#now() - oldest.committedAt);
  }

  /** A transaction that was committed at this time (microseconds since 1970) passed the source. */
  passed(position: Position, commitTimeUs: number): void {
    if (this.#waiting.length === REMEMBERED) this.#waiting.shift();
    this.#waiting.push({ position, committedAt: commitTimeUs / 1000 });
  }

  /** The replica shows everything up to `position`. */
  applied(position: Position): void {
    const arrived = this.#waiting.filter((each) => each.position <= position);
    this.#waiting = this.#waiting.filter((each) => each.position > position);
    const last = arrived.at(-1);
    if (last !== undefined) this.#lagMs = Math.max(0, this.#now() - last.committedAt);
  }
}
