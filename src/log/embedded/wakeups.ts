/** The longest that a timer can wait; longer ones fire at once. */
const MAX_TIMER_MS = 2_147_483_647;

/** Lets readers wait until something is published; nobody polls. */
export class Wakeups {
  readonly #sleepers = new Set<(error?: Error) => void>();

  /** Resolves at the next `wake` or after `ms`; rejects with the signal's reason, or with what `fail` was given. */
  wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wakeUp = (error?: unknown): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        this.#sleepers.delete(wakeUp);
        if (error === undefined) resolve();
        else reject(error);
      };
      const onAbort = (): void => wakeUp(signal.reason);
      const timer = setTimeout(wakeUp, Math.min(ms, MAX_TIMER_MS));
      signal.addEventListener('abort', onAbort, { once: true });
      this.#sleepers.add(wakeUp);
    });
  }

  wake(): void {
    for (const wakeUp of this.#sleepers) wakeUp();
  }

  /** Everyone who waits fails with `error`. */
  fail(error: Error): void {
    for (const wakeUp of this.#sleepers) wakeUp(error);
  }
}
