/** Below this an answer costs the collector less than keeping its memory would. */
const LEAST_BYTES = 64 * 1024;
/** Memory comes in multiples of this, so that answers of about one size can take turns. */
const STEP_BYTES = 512 * 1024;
/** A larger answer's memory is not kept: one giant row would stay for ever. */
const MOST_BYTES = 8 * 1024 * 1024;
/** What may lie idle. */
const KEPT_BYTES = 16 * 1024 * 1024;

/**
 * Memory of answers that were read, to be written to again. V8 counts buffers among what makes it collect: a reader that goes through
 * a backlog in fresh ones has its whole heap looked at several times a second.
 */
export class AnswerMemory {
  readonly #free: Buffer[] = [];
  readonly #own = new WeakSet<ArrayBufferLike>();
  #freeBytes = 0;

  /** A buffer of `length` bytes with anything in them. */
  take(length: number): Buffer {
    if (length < LEAST_BYTES || length > MOST_BYTES) return Buffer.allocUnsafe(length);
    const at = this.#free.findIndex((each) => each.length >= length);
    if (at < 0) return this.#fresh(length).subarray(0, length);
    const [memory] = this.#free.splice(at, 1) as [Buffer];
    this.#freeBytes -= memory.length;
    return memory.subarray(0, length);
  }

  /** Takes back the memory of an answer that nobody looks at any more, once; passes over what is not from here. */
  give(memory: ArrayBufferLike): void {
    if (!this.#own.has(memory) || this.#freeBytes + memory.byteLength > KEPT_BYTES) return;
    this.#freeBytes += memory.byteLength;
    this.#free.push(Buffer.from(memory));
  }

  #fresh(length: number): Buffer {
    const fresh = Buffer.allocUnsafeSlow(Math.ceil(length / STEP_BYTES) * STEP_BYTES);
    this.#own.add(fresh.buffer);
    return fresh;
  }
}
