interface Waiting<T> {
  readonly item: T;
  readonly writer: object;
}

/**
 * Hands items from several writers to one reader, in the order in which they are put: a writer puts and then waits for `drained`, so that
 * of each writer at most the items of one read of its socket wait here.
 */
export class Handover<T> implements AsyncIterable<T> {
  readonly #items: Waiting<T>[] = [];
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;
  #reader: (() => void) | undefined;
  #writers: (() => void)[] = [];

  put(item: T, writer: object): void {
    this.#items.push({ item, writer });
    this.#reader?.();
  }

  /** Resolves when the reader has taken everything of this writer; rejects when it is gone. */
  async drained(writer: object): Promise<void> {
    while (!this.#failure && this.#items.some((each) => each.writer === writer))
      await new Promise<void>((resolve) => this.#writers.push(resolve));
    if (this.#failure) throw this.#failure.error;
  }

  /** Nothing follows. */
  end(): void {
    this.#isOver = true;
    this.#reader?.();
  }

  /** Ends both sides with an error; the first one counts. */
  close(error: unknown): void {
    if (this.#isOver) return;
    this.#failure ??= { error };
    this.#reader?.();
    this.#wakeWriters();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const next = this.#items.shift();
      if (next) {
        this.#wakeWriters();
        yield next.item;
        continue;
      }
      if (this.#failure) throw this.#failure.error;
      if (this.#isOver) return;
      await new Promise<void>((resolve) => {
        this.#reader = resolve;
      });
    }
  }

  #wakeWriters(): void {
    const writers = this.#writers;
    this.#writers = [];
    for (const wake of writers) wake();
  }
}
