import type { Cursor } from './log.ts';

/** A partition among all of a log, as the key of a map. */
export function partitionKey({ topic, partition }: Pick<Cursor, 'topic' | 'partition'>): string {
  return `${topic}/${partition}`;
}
