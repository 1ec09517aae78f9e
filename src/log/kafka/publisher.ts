import { OperatorError, type TooLarge, TooLargeError } from '../../errors.ts';
import { failPoint } from '../../failpoint.ts';
import type { Append, Published, Span } from '../log.ts';
import type { RecordBatch } from '../record-set.ts';
import type { Brokers } from './brokers.ts';
import { unknownOutcome } from './errors.ts';
import type { Leaders } from './leaders.ts';
import { baseOffsets, type PlannedBatch, planRequests, spansOf } from './produce-plan.ts';
import { produceRequest } from './protocol/produce.ts';
import type { Topics } from './topics.ts';
import { Wakefulness } from './wakefulness.ts';

/**
 * Stores data and then its checkpoint. Every batch is sent once, whatever happens (PROTOCOL, source 3): kafkajs's producer
 * retries, and then acknowledges records that were never stored, or loses one of two (docs/decisions/0003).
 */
export class Publisher {
  readonly #brokers: Brokers;
  readonly #leaders: Leaders;
  readonly #topics: Topics;
  readonly #timeoutMs: number;
  readonly #wakefulness: Wakefulness;
  #absences = 0;
  #isPublishing = false;

  constructor(
    brokers: Brokers,
    leaders: Leaders,
    topics: Topics,
    timeoutMs: number,
    wakefulness: Wakefulness = new Wakefulness(),
  ) {
    this.#brokers = brokers;
    this.#leaders = leaders;
    this.#topics = topics;
    this.#timeoutMs = timeoutMs;
    this.#wakefulness = wakefulness;
  }

  close(): void {
    this.#wakefulness.close();
  }

  /** See `Log.publish`. */
  async publish(
    appends: readonly Append[],
    checkpointOf: ((spans: readonly Span[]) => readonly Append[]) | undefined,
    signal: AbortSignal,
  ): Promise<Published> {
    if (this.#isPublishing) throw new Error('Publishing to Kafka was begun before the publish before it had ended');
    this.#isPublishing = true;
    try {
      signal.throwIfAborted();
      failPoint('log.before-data');
      const spans = await this.#store(appends, signal);
      if (appends.length > 0) failPoint('log.data-stored');
      if (checkpointOf === undefined) return { spans, checkpoint: [] };
      const checkpoint = await this.#store(checkpointOf(spans), signal);
      failPoint('log.checkpoint-stored');
      return { spans, checkpoint };
    } catch (error) {
      this.#absences = this.#wakefulness.note(); // whoever publishes begins at the first rule again
      throw error;
    } finally {
      this.#isPublishing = false;
    }
  }

  async #store(appends: readonly Append[], signal: AbortSignal): Promise<Span[]> {
    if (appends.length === 0) return [];
    // Both before anything is sent: a missing topic or a batch that is too large leaves nothing behind.
    const groups = await this.#leaders.group(appends, signal);
    await this.#assertFits(appends, signal);
    const bases = new Map<RecordBatch, number>();
    const failures: unknown[] = [];
    await Promise.all(
      [...groups].map(async ([node, group]) => {
        try {
          for (const request of planRequests(group)) {
            if (failures.length > 0) return; // the outcome is unknown already: send no more strays
            await this.#send(node, request, bases, signal);
          }
        } catch (error) {
          failures.push(error);
        }
      }),
    );
    if (failures.length > 0) {
      this.#leaders.forgetAll(); // for the next attempt: what one broker lost may concern every topic
      throw unknownOutcome(failures.find((each) => each instanceof OperatorError) ?? failures[0]);
    }
    return spansOf(appends, bases);
  }

  async #send(
    node: number,
    planned: readonly PlannedBatch[],
    bases: Map<RecordBatch, number>,
    signal: AbortSignal,
  ): Promise<void> {
    const partitions = planned.map(({ topic, partition, batch }) => ({ topic, partition, batch: batch.bytes }));
    const request = produceRequest(partitions, this.#timeoutMs);
    const answer = await this.#brokers.send(node, request, signal, () => this.#wakefulness.verify(this.#absences));
    baseOffsets(planned, answer).forEach((base, i) => bases.set((planned[i] as PlannedBatch).batch, base));
  }

  async #assertFits(appends: readonly Append[], signal: AbortSignal): Promise<void> {
    const names = appends.map(({ topic }) => topic);
    if (firstAbove(appends, await this.#topics.maxBatchBytes(names, false, signal)) === undefined) return;
    const limitOf = await this.#topics.maxBatchBytes(names, true, signal);
    const tooLarge = firstAbove(appends, limitOf);
    if (tooLarge === undefined) return;
    throw new TooLargeError({ ...tooLarge, limit: limitOf(tooLarge.topic) });
  }
}

function firstAbove(
  appends: readonly Append[],
  limitOf: (topic: string) => number,
): Omit<TooLarge, 'limit'> | undefined {
  for (const { topic, records } of appends) {
    const limit = limitOf(topic);
    const batch = records.batches.find(({ bytes }) => bytes.length > limit);
    if (batch !== undefined) return { topic, bytes: batch.bytes.length, records: batch.count };
  }
  return undefined;
}
