import type { Log } from '../log/log.ts';
import { partitionKey } from '../log/partition-key.ts';
import type { CursorMerge } from './cursor-merge.ts';
import { planFetch } from './fetch-plan.ts';
import type { PartitionCursor } from './partition-cursor.ts';
import type { ReadMemory } from './read-memory.ts';

const WAIT_MS = 500;

/** Who reads: a log, all partitions of some checkpoints, and how they are merged. */
export interface Fetching {
  readonly log: Log;
  readonly fetchBytes: number;
  readonly cursors: readonly PartitionCursor[];
  readonly merge: CursorMerge<PartitionCursor>;
  readonly memory: Pick<ReadMemory, 'widths' | 'answers'>;
}

/** Feeds cursors that have nothing left to read; to some of them the log may give nothing yet. */
export async function fetchWaiting(
  { log, fetchBytes, cursors, merge, memory }: Fetching,
  signal: AbortSignal,
): Promise<void> {
  const { waiting, open } = merge;
  const { widths, answers } = memory;
  answers.keep(cursors.map(({ reader }) => reader));
  const plan = planFetch(open, fetchBytes, widths);
  const fetched = await log.read(plan.cursors, plan.maxBytes, WAIT_MS, signal);
  widths.learn(fetched, plan);
  const byKey = new Map(waiting.map((cursor) => [partitionKey(cursor), cursor]));
  for (const each of fetched) {
    answers.hold(each);
    const cursor = byKey.get(partitionKey(each));
    if (each.bytes.length > 0) cursor?.feed(each.bytes);
    else if (cursor !== undefined && each.end <= cursor.offset) await assertStored(log, cursor, signal);
  }
  merge.fed();
}

/** What a checkpoint names was stored before it: to wait for it is right only while the log is slow to give it. An answer alone may come from a leader that is new. */
async function assertStored(log: Log, cursor: PartitionCursor, signal: AbortSignal): Promise<void> {
  const { end } = await log.bounds(cursor.topic, cursor.partition, signal);
  cursor.assertStored(end);
}
