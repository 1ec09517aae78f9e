import { TransientError } from '../../errors.ts';
import type { Append, Span } from '../log.ts';
import type { RecordBatch } from '../record-set.ts';
import { brokerError, ErrorCode, partitionName } from './errors.ts';
import type { ProduceAnswer } from './protocol/produce.ts';

/** Far below `socket.request.max.bytes` (100 MB), and what one request may hold in memory of a broker. */
export const MAX_REQUEST_BYTES: number = 16 * 1024 * 1024;

/** One record batch on its way to one partition. */
export interface PlannedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly batch: RecordBatch;
}

/**
 * Cuts appends into requests that go out one after another: one batch per partition in each (a broker takes no more), a
 * partition's batches in their order, and at most `maxBytes` in each (but at least one batch).
 */
export function planRequests(appends: readonly Append[], maxBytes: number = MAX_REQUEST_BYTES): PlannedBatch[][] {
  const requests: PlannedBatch[][] = [];
  for (const round of roundsOf(appends)) {
    let request: PlannedBatch[] = [];
    let bytes = 0;
    for (const planned of round) {
      const size = planned.batch.bytes.length;
      if (request.length > 0 && bytes + size > maxBytes) {
        requests.push(request);
        request = [];
        bytes = 0;
      }
      request.push(planned);
      bytes += size;
    }
    requests.push(request);
  }
  return requests;
}

/** The n-th round has the n-th batch of every partition. */
function roundsOf(appends: readonly Append[]): PlannedBatch[][] {
  const rounds: PlannedBatch[][] = [];
  const counts = new Map<string, number>();
  for (const { topic, partition, records } of appends) {
    const key = `${partition}/${topic}`;
    let count = counts.get(key) ?? 0;
    for (const batch of records.batches) (rounds[count++] ??= []).push({ topic, partition, batch });
    counts.set(key, count);
  }
  return rounds;
}

/**
 * The base offsets that an answer gives to the batches of its request, in their order. Throws unless every one has been stored
 * (Invariant 4): an answer that leaves out a partition says nothing about it.
 */
export function baseOffsets(request: readonly PlannedBatch[], answer: ProduceAnswer): number[] {
  const answered = new Map(answer.partitions.map((each) => [`${each.partition}/${each.topic}`, each]));
  return request.map(({ topic, partition }) => {
    const subject = partitionName(topic, partition);
    const stored = answered.get(`${partition}/${topic}`);
    if (stored === undefined) throw new TransientError(`${subject} is missing in the answer to Produce`);
    if (stored.errorCode !== ErrorCode.none) throw brokerError(stored.errorCode, subject, stored.errorMessage);
    if (stored.baseOffset < 0) throw new TransientError(`${subject} was answered without an offset`);
    return stored.baseOffset;
  });
}

/** The spans of appends whose batches have these base offsets: merged where adjacent only, others may write in between (A5). */
export function spansOf(appends: readonly Append[], bases: ReadonlyMap<RecordBatch, number>): Span[] {
  const spans: Span[] = [];
  for (const { topic, partition, records } of appends) {
    let base = 0;
    let count = 0;
    for (const batch of records.batches) {
      const start = bases.get(batch);
      if (start === undefined) throw new Error(`A batch for ${partitionName(topic, partition)} was never stored`);
      if (count > 0 && start !== base + count) {
        spans.push({ topic, partition, base, count });
        count = 0;
      }
      if (count === 0) base = start;
      count += batch.count;
    }
    if (count > 0) spans.push({ topic, partition, base, count });
  }
  return spans;
}
