import { ByteWriter } from '../change/byte-writer.ts';

/** Room for the runs that records have in common: some hundred bytes for a table, until they change. */
const SHELF_BYTES = 1024;
/** What may lie idle: the batches of a publish, and not more, whatever the number of partitions. */
const KEPT_BYTES = 8 * 1024 * 1024;

/** Memory of record batches that were stored, to be written to again: fresh memory is zeroed by the system, page by page, and collected late. */
export class BatchMemory {
  readonly #free: ByteWriter[] = [];
  #freeBytes = 0;

  /** An empty writer for `slot`, the one that was given back last, or a new one of `size` bytes. */
  take(size: number, slot: number): ByteWriter {
    const out = this.#free.pop();
    if (out === undefined) return new ByteWriter(size, SHELF_BYTES, slot);
    this.#freeBytes -= out.bytes.length;
    out.slot = slot;
    out.length = out.start;
    return out;
  }

  /** Takes back a writer that nobody reads any more. */
  give(out: ByteWriter): void {
    if (this.#freeBytes + out.bytes.length > KEPT_BYTES) return;
    this.#freeBytes += out.bytes.length;
    this.#free.push(out);
  }
}
