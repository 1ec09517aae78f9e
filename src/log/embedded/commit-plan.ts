import { OversizeError, TooLargeError } from '../../errors.ts';
import type { Append, Span } from '../log.ts';
import { setBaseOffset } from '../record-set.ts';
import type { StoredTopic } from './catalog.ts';
import { MAX_FRAME_BYTES, type PlacedBatch } from './format.ts';

const BASE_OFFSET_BYTES = 8;

/** What one commit is to store: gives every append its offsets. Nothing of the appends themselves is changed. */
export class CommitPlan {
  readonly batches: PlacedBatch[] = [];
  readonly body: Buffer[] = [];
  readonly #topicOf: (append: Append) => StoredTopic;
  readonly #endOf: (topic: number) => number;
  readonly #maxBatchBytes: number;
  readonly #ends = new Map<number, number>();
  #bytes = 0;

  constructor(topicOf: (append: Append) => StoredTopic, endOf: (topic: number) => number, maxBatchBytes: number) {
    this.#topicOf = topicOf;
    this.#endOf = endOf;
    this.#maxBatchBytes = maxBatchBytes;
  }

  /** Adds records behind what the topic has; OperatorError when a batch is larger than the topic takes. */
  add(append: Append): Span {
    const { topic, partition, records } = append;
    const stored = this.#topicOf(append);
    const base = this.#ends.get(stored.number) ?? this.#endOf(stored.number);
    const limit = stored.maxBatchBytes ?? this.#maxBatchBytes;
    let end = base;
    for (const { bytes, count } of records.batches) {
      if (bytes.length > limit) throw new TooLargeError({ topic, bytes: bytes.length, records: count, limit });
      const offset = Buffer.allocUnsafe(BASE_OFFSET_BYTES);
      setBaseOffset(offset, end);
      this.body.push(offset, bytes.subarray(BASE_OFFSET_BYTES));
      this.batches.push({ topic: stored.number, base: end, count, size: bytes.length });
      this.#bytes += bytes.length;
      end += count;
    }
    if (this.#bytes > MAX_FRAME_BYTES) throw tooLarge(topic, this.#bytes);
    this.#ends.set(stored.number, end);
    return { topic, partition, base, count: end - base };
  }
}

function tooLarge(topic: string, size: number): OversizeError {
  return new OversizeError(
    `Records of ${size} bytes for topic "${topic}" are more than the embedded log stores at once (${MAX_FRAME_BYTES})`,
    {
      advice: 'Lower max.batch.bytes of the source, or use Kafka.',
    },
  );
}
