import type { Batch } from '../../change/batch.ts';

/**
 * Hands batches from a writer to a reader: the writer puts and then waits for `drained`, so that at most the batches of one
 * read of the socket wait here.
 */
export class Handover implements AsyncIterable<Batch> {
  readonly #batches: Batch[] = [];
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;
  #reader: (() => void) | undefined;
  #writers: (() => void)[] = [];

  put(batch: Batch): void {
    this.#batches.push(batch);
    this.#reader?.();
  }

  /** Resolves when the reader has taken everything; rejects when it is gone. */
  async drained(): Promise<void> {
    while (this.#batches.length > 0 && !this.#failure)
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

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch> {
    for (;;) {
      const batch = this.#batches.shift();
      if (batch) {
        if (this.#batches.length === 0) this.#wakeWriters();
        yield batch;
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
