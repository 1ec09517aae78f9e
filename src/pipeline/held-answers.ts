import type { Fetched } from '../log/log.ts';
import type { RecordReader } from '../log/record-reader.ts';

/** A log's answers that are still read. One has bytes of many partitions, and is held until the last of them was read. */
export class HeldAnswers {
  readonly #releases = new Map<ArrayBufferLike, () => void>();

  hold({ bytes, release }: Pick<Fetched, 'bytes' | 'release'>): void {
    if (release !== undefined && bytes.length > 0) this.#releases.set(bytes.buffer, release);
  }

  /** Gives back those that none of these readers walks. */
  keep(readers: Iterable<RecordReader | undefined>): void {
    if (this.#releases.size === 0) return;
    const read = new Set<ArrayBufferLike>();
    for (const reader of readers) if (reader !== undefined) read.add(reader.input.buffer);
    for (const [memory, release] of this.#releases) {
      if (read.has(memory)) continue;
      this.#releases.delete(memory);
      release();
    }
  }
}
