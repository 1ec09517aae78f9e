import { partitionKey } from '../log/partition-key.ts';
import type { CountingCheckpoint } from '../log/protocol/counter.ts';
import { schemaChangesTopic } from '../log/protocol/topics.ts';
import { type CoveredSpan, PartitionCursor } from './partition-cursor.ts';

/** What of the spans is read. */
export interface CoveredTopics {
  readonly prefix: string;
  readonly acceptsTopic: ((topic: string) => boolean) | undefined;
}

/** One cursor per partition over the spans of all checkpoints, in their order. */
export function cursorsOf(
  checkpoints: readonly CountingCheckpoint[],
  { prefix, acceptsTopic }: CoveredTopics,
): PartitionCursor[] {
  const controls = schemaChangesTopic(prefix);
  const partitions = new Map<string, CoveredSpan[]>();
  for (const { spans, claim, number } of checkpoints) {
    for (const span of spans) {
      if (span.topic !== controls && acceptsTopic?.(span.topic) === false) continue;
      const name = partitionKey(span);
      const covered = partitions.get(name);
      if (covered === undefined) partitions.set(name, [{ span, claim, number }]);
      else covered.push({ span, claim, number });
    }
  }
  return [...partitions.values()].map((spans) => new PartitionCursor(spans));
}
