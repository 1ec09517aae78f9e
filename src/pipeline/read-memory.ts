import { Batch } from '../change/batch.ts';
import type { Cursor, Fetched } from '../log/log.ts';
import { partitionKey } from '../log/partition-key.ts';
import { RecordReader } from '../log/record-reader.ts';
import { ChangePlaces } from './change-places.ts';
import { HeldAnswers } from './held-answers.ts';
import type { PartitionCursor } from './partition-cursor.ts';
import { RecordWidths } from './record-widths.ts';

/** How much of what was read is kept from one group of checkpoints to the next. */
export interface ReadLimits {
  readonly fetchBytes: number;
  readonly chunkBytes: number;
}

/** So many partitions are read ahead of their checkpoints: those that were read last. */
const MAX_AHEAD = 8;

/** What is left of an answer and is less than this part of it is copied, so that the answer can go. */
const SMALL = 8;

/** Records of one partition that nobody has used yet. */
interface Kept {
  readonly reader: RecordReader;
  /** It goes on at this offset, or the first one that there is behind it. */
  readonly offset: number;
}

/**
 * What readers of one group of checkpoints after the other share: the batch, whose memory then costs neither the garbage collector
 * nor the kernel anything; what was fetched behind the last record of a group, where the next one goes on instead of fetching
 * it again; and what was fetched ahead of its checkpoint. All of it is bounded (Invariant 9).
 */
export class ReadMemory {
  readonly #limits: ReadLimits;
  readonly #kept = new Map<string, Kept>();
  /** Where partitions go on behind the last group that had records of them; the latest last. */
  readonly #next = new Map<string, Cursor>();
  #batch = new Batch();
  /** Of all partitions. */
  readonly widths: RecordWidths = new RecordWidths();
  /** What the log has answered and is still read. */
  readonly answers: HeldAnswers = new HeldAnswers();
  /** Of the batch's changes. */
  readonly places: ChangePlaces = new ChangePlaces();

  constructor(limits: ReadLimits) {
    this.#limits = limits;
  }

  /** The batch to fill; what one wide row made large is not kept. */
  batch(): Batch {
    if (this.#batch.bytes.length > 2 * this.#limits.chunkBytes) this.#batch = new Batch();
    return this.#batch;
  }

  /** Keeps what these cursors, which are through, have not read. */
  keep(cursors: readonly PartitionCursor[]): void {
    const held = new Set<ArrayBufferLike>();
    let size = 0;
    for (const cursor of cursors) {
      const { topic, partition, offset, reader } = cursor;
      const name = partitionKey(cursor);
      this.#note(name, { topic, partition, offset });
      if (reader === undefined || reader.isAtEnd) continue;
      if (reader.restBytes * SMALL < reader.input.buffer.byteLength) reader.compact();
      size += heldBy(reader.input, held) + reader.decompressedBytes;
      if (size <= 2 * this.#limits.fetchBytes) this.#kept.set(name, { reader, offset: reader.offset + 1 });
    }
    this.answers.keep([...this.#kept.values()].map(({ reader }) => reader));
  }

  /** Gives each cursor what is there of its partition, and forgets all of it. */
  handOver(cursors: readonly PartitionCursor[]): void {
    for (const cursor of cursors) {
      const kept = this.#kept.get(partitionKey(cursor));
      if (kept !== undefined && kept.offset <= cursor.offset) cursor.resume(kept.reader);
    }
    this.#kept.clear();
  }

  /** What is worth to be read before a checkpoint names it: partitions of the last groups of which nothing is kept. */
  ahead(): readonly Cursor[] {
    return [...this.#next].flatMap(([name, cursor]) => (this.#kept.has(name) ? [] : [cursor]));
  }

  /** Keeps what was read ahead, from the offset that `ahead` said on. */
  take(fetched: Fetched): void {
    const { bytes } = fetched;
    const name = partitionKey(fetched);
    const offset = this.#next.get(name)?.offset;
    if (bytes.length > 0 && offset !== undefined) this.#kept.set(name, { reader: new RecordReader(bytes), offset });
  }

  /** Reads no partition ahead until a group has records of it again. */
  forgetAhead(): void {
    this.#next.clear();
  }

  #note(name: string, cursor: Cursor): void {
    this.#next.delete(name);
    this.#next.set(name, cursor);
    const [oldest] = this.#next.keys();
    if (this.#next.size > MAX_AHEAD && oldest !== undefined) this.#next.delete(oldest);
  }
}

/** One answer may hold bytes of many partitions, all of it as long as one of them is used. Small buffers are slices of Node.js's pool. */
function heldBy({ buffer, length }: Buffer, held: Set<ArrayBufferLike>): number {
  if (buffer.byteLength <= Buffer.poolSize) return length;
  if (held.has(buffer)) return 0;
  held.add(buffer);
  return buffer.byteLength;
}
