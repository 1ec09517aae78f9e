import { BatchIndex } from './batch-index.ts';
import { damaged, type FileHeader } from './format.ts';
import type { Frame } from './frame-scan.ts';

/** What must be true at the end of a complete segment: the beginning of the one that follows it. */
export type NextHeader = Pick<FileHeader, 'firstSequence' | 'bases'>;

/**
 * Indexes the frames of a file and counts through them, so that a missing or foreign frame is seen although its checksum
 * is right.
 */
export class FrameCheck {
  readonly index: BatchIndex = new BatchIndex();
  readonly #path: string;
  readonly #header: FileHeader;
  /** The number that the next frame must have. */
  sequence: number;

  constructor(path: string, header: FileHeader) {
    this.#path = path;
    this.#header = header;
    this.sequence = header.firstSequence;
  }

  accept(frame: Frame, position: number): void {
    if (frame.sequence !== this.sequence++) throw damaged(this.#path, position);
    let at = frame.body;
    for (const batch of frame.batches) {
      const expected = this.#expected(batch.topic) ?? batch.base;
      if (batch.base !== expected) throw damaged(this.#path, position);
      this.index.add(batch, at);
      at += batch.size;
    }
  }

  /** Asserts that the file, which ends at `size`, has everything that it had when it was completed. */
  acceptEnd(next: NextHeader, size: number): void {
    const isKept = this.#header.kind === 'kept';
    const ends = isKept ? this.#header.bases : next.bases;
    if (!isKept && this.sequence !== next.firstSequence) throw damaged(this.#path, size);
    for (const [topic, { end }] of this.index.topics) if (end !== ends.get(topic)) throw damaged(this.#path, size);
    if (isKept && this.index.topics.size !== ends.size) throw damaged(this.#path, size);
  }

  /** A kept file begins wherever a topic was trimmed to: undefined. */
  #expected(topic: number): number | undefined {
    const end = this.index.topics.get(topic)?.end;
    if (end !== undefined || this.#header.kind === 'kept') return end;
    return this.#header.bases.get(topic) ?? 0;
  }
}
