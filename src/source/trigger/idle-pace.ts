/** After data, soon: readers of the log see how far it is. Then rarely. */
const AFTER_DATA_MS = 100;
const IDLE_MS = 10_000;

/** When an idle source says how far it is; pure. Times are milliseconds. */
export class IdlePace {
  #dueAt: number;

  constructor(now: number) {
    this.#dueAt = now + AFTER_DATA_MS;
  }

  stored(now: number): void {
    this.#dueAt = now + AFTER_DATA_MS;
  }

  said(now: number): void {
    this.#dueAt = now + IDLE_MS;
  }

  isDue(now: number): boolean {
    return now >= this.#dueAt;
  }

  waitMs(now: number): number {
    return Math.max(0, this.#dueAt - now);
  }
}
