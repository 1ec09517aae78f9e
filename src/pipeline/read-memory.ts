import { Batch } from '../change/batch.ts';
import type { RecordReader } from '../log/record-reader.ts';
import type { PartitionCursor } from './partition-cursor.ts';

/** How much of what was read is kept from one group of checkpoints to the next. */
export interface ReadLimits {
  readonly fetchBytes: number;
  readonly chunkBytes: number;
}

/**
 * What readers of one group of checkpoints after the other share: the batch, whose memory then costs neither the garbage collector
 * nor the kernel anything, and what was fetched behind the last record of a group, where the next one goes on instead of fetching
 * it again. Both are bounded (Invariant 9).
 */
export class ReadMemory {
  readonly #limits: ReadLimits;
  readonly #readers = new Map<string, RecordReader>();
  #batch = new Batch();

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
    for (const { topic, partition, reader } of cursors) {
      if (reader === undefined || reader.isAtEnd) continue;
      size += heldBy(reader.input, held) + reader.decompressedBytes;
      if (size > 2 * this.#limits.fetchBytes) break;
      this.#readers.set(nameOf(topic, partition), reader);
    }
  }

  /** Gives each cursor what is there of its partition, and forgets all of it. */
  handOver(cursors: readonly PartitionCursor[]): void {
    for (const cursor of cursors) {
      const reader = this.#readers.get(nameOf(cursor.topic, cursor.partition));
      if (reader !== undefined && reader.offset < cursor.offset) cursor.resume(reader);
    }
    this.#readers.clear();
  }
}

/** One answer may hold bytes of many partitions, all of it as long as one of them is used. Small buffers are slices of Node.js's pool. */
function heldBy({ buffer, length }: Buffer, held: Set<ArrayBufferLike>): number {
  if (buffer.byteLength <= Buffer.poolSize) return length;
  if (held.has(buffer)) return 0;
  held.add(buffer);
  return buffer.byteLength;
}

function nameOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
