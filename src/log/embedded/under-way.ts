/** Work that was begun and has not ended: whoever closes waits for it. */
export class UnderWay {
  readonly #running = new Set<Promise<unknown>>();
  #last: Promise<unknown> = Promise.resolve();

  /** Counts work as being under way, and returns what it does. */
  async add<T>(run: Promise<T>): Promise<T> {
    this.#running.add(run);
    try {
      return await run;
    } finally {
      this.#running.delete(run);
    }
  }

  /** Does work behind what was given here earlier, whether that has failed or not. */
  async inTurn(work: () => Promise<void>): Promise<void> {
    const run = this.#last.then(work);
    this.#last = run.catch(() => undefined);
    await this.add(run);
  }

  /** Resolves when everything that is under way has ended, one way or another. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }
}
