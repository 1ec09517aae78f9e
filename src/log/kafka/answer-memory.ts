/** Smaller answers cost the collector little. */
const LEAST_BYTES = 64 * 1024;
/** Room is made in multiples of this, so that answers of about the same length fit where another one was. */
const STEP_BYTES = 256 * 1024;
/** What may lie idle: some answers of a reader's byte limit. */
const KEPT_BYTES = 16 * 1024 * 1024;

/**
 * Memory of answers that were read, to be written to again: what is fresh makes the collector go through the whole heap, once for every few
 * megabytes.
 */
export class AnswerMemory {
  readonly #free: ArrayBufferLike[] = [];
  #freeBytes = 0;
  /** What was taken and not given back. */
  readonly #taken = new WeakSet<ArrayBufferLike>();

  /** So many bytes, with whatever was in them before. */
  take(length: number): Buffer {
    if (length < LEAST_BYTES) return Buffer.allocUnsafe(length);
    const memory = this.#fitting(length) ?? fresh(length);
    this.#taken.add(memory);
    return Buffer.from(memory, 0, length);
  }

  /** Takes memory back that nobody reads any more; what does not come from here, or is back already, is left alone. */
  give(memory: ArrayBufferLike): void {
    if (!this.#taken.delete(memory) || this.#freeBytes + memory.byteLength > KEPT_BYTES) return;
    this.#freeBytes += memory.byteLength;
    this.#free.push(memory);
  }

  #fitting(length: number): ArrayBufferLike | undefined {
    const at = this.#free.findIndex(({ byteLength }) => byteLength >= length && byteLength < 2 * length + STEP_BYTES);
    const [memory] = at < 0 ? [] : this.#free.splice(at, 1);
    this.#freeBytes -= memory?.byteLength ?? 0;
    return memory;
  }
}

function fresh(length: number): ArrayBufferLike {
  return Buffer.allocUnsafeSlow(Math.ceil(length / STEP_BYTES) * STEP_BYTES).buffer;
}
