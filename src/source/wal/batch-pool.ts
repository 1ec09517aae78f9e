import { Batch } from '../../change/batch.ts';

/** A batch whose memory grew beyond this is not used again: one giant row would stay for ever. */
const KEPT_BYTES = 32 * 1024 * 1024;
const KEPT_BATCHES = 4;

/** Batches to fill again: a batch stays valid until the one after the next is pulled, then its memory is reused. */
export class BatchPool {
  #free: Batch[] = [];
  #valid: Batch[] = [];

  get(): Batch {
    return this.#free.pop() ?? new Batch();
  }

  /** The next batch is asked for, so this one is the previous one now, and the one before it is free. */
  yielded(batch: Batch): void {
    this.#valid.push(batch);
    if (this.#valid.length < 3) return;
    const free = this.#valid.shift() as Batch;
    if (free.bytes.length > KEPT_BYTES || this.#free.length === KEPT_BATCHES) return;
    free.clear();
    this.#free.push(free);
  }
}
