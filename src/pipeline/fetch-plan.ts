import type { PartitionCursor } from './partition-cursor.ts';

const LEAST_BYTES = 64 * 1024;
/** More than a batch of a partition among a hundred, so that they are not asked for one by one. */
const ENOUGH_BYTES = 256 * 1024;
/** How far all partitions together may be read ahead, in fetches. */
const AHEAD = 2;

/**
 * How many bytes to ask for when some of the cursors have nothing left to read. What one partition is read ahead of the others lies in
 * memory until they have come as far, so that what they hold counts (Invariant 9): without it each would in turn fetch all that it has.
 */
export function fetchBudget(
  cursors: Iterable<Pick<PartitionCursor, 'done' | 'loaded' | 'reader'>>,
  fetchBytes: number,
): number {
  let held = 0;
  let open = 0;
  let waiting = 0;
  for (const { done, loaded, reader } of cursors) {
    if (done) continue;
    open++;
    if (!loaded) waiting++;
    else held += reader?.input.length ?? 0;
  }
  const each = Math.max(LEAST_BYTES, Math.min(ENOUGH_BYTES, Math.floor((AHEAD * fetchBytes) / Math.max(1, open))));
  return Math.min(fetchBytes, Math.max(waiting * each, fetchBytes - held));
}
