import type { Cursor } from './log.ts';

/** Every partition may fill so much: records of a busy one come in batches, and a batch that has no room is left out. */
const LEAST_BYTES = 64 * 1024;

/**
 * What one of several partitions may fill of an answer: a reader that merges them needs some of each, and would hold whole answers of the
 * first ones in memory until it had all (Invariant 9).
 */
export function shareOf({ maxBytes }: Cursor, partitions: number, totalBytes: number): number {
  return Math.min(totalBytes, maxBytes ?? Math.max(LEAST_BYTES, Math.floor(totalBytes / partitions)));
}
