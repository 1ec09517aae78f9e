import { BatchMemory } from '../log/batch-memory.ts';
import type { BatchCompression } from '../log/batch-compression.ts';
import type { Append } from '../log/log.ts';
import { RecordSetWriter } from '../log/record-set.ts';

/** What the first batch of a partition is given: a batch of a thousand tables has few rows of each. */
const FIRST_BYTES = 4 * 1024;

/** A topic as its writers need to know it. */
export interface NamedTopic {
  readonly name: string;
  readonly partitions: number;
}

export interface TopicWritersOptions {
  readonly now: () => number;
  readonly recordBatchBytes: number;
  readonly compression?: BatchCompression | undefined;
}

/** One writer per partition of each topic; all share the memory of their batches. */
export class TopicWriters {
  readonly #options: TopicWritersOptions;
  readonly #writers = new Map<string, readonly RecordSetWriter[]>();
  readonly #memory = new BatchMemory();

  constructor(options: TopicWritersOptions) {
    this.#options = options;
  }

  /** The writers of a topic that was made before. */
  get(topic: string): readonly RecordSetWriter[] | undefined {
    return this.#writers.get(topic);
  }

  /** The writers of a topic, made when they are asked for first. */
  make({ name, partitions }: NamedTopic): readonly RecordSetWriter[] {
    let writers = this.#writers.get(name);
    if (writers === undefined) {
      const { now, recordBatchBytes, compression } = this.#options;
      const memory = this.#memory;
      writers = Array.from(
        { length: partitions },
        (_, slot) => new RecordSetWriter(now, recordBatchBytes, { slot, size: FIRST_BYTES, memory, compression }),
      );
      this.#writers.set(name, writers);
    }
    return writers;
  }

  /** Gives away what was written since the last time. */
  finish(): Append[] {
    const appends: Append[] = [];
    for (const [topic, writers] of this.#writers) {
      for (const [partition, writer] of writers.entries()) {
        if (writer.count > 0) appends.push({ topic, partition, records: writer.finish() });
      }
    }
    return appends;
  }
}
