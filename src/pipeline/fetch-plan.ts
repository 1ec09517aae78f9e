import type { Cursor } from '../log/log.ts';
import type { PartitionCursor } from './partition-cursor.ts';
import type { RecordWidths } from './record-widths.ts';

const LEAST_BYTES = 64 * 1024;
/** More than a batch of a partition among a hundred, so that they are not asked for one by one. */
const ENOUGH_BYTES = 256 * 1024;
/** How far all partitions together may be read ahead, in fetches. */
const AHEAD = 2;

type Open = Pick<PartitionCursor, 'topic' | 'partition' | 'offset' | 'remaining' | 'done' | 'loaded' | 'reader'>;

/** What to ask a log for. */
export interface FetchPlan {
  readonly cursors: readonly Cursor[];
  readonly maxBytes: number;
}

/**
 * How many bytes to ask for, and of which partition, when some of the cursors have nothing left to read. What one partition is read ahead of
 * the others lies in memory until they have come as far, so that what they hold counts (Invariant 9): without it each would in turn fetch all
 * that it has. So one among a thousand is asked for its share of what may be held, or what its cursor needs when that is more: what does not fit
 * would not be kept, but fetched again.
 */
export function planFetch(
  cursors: Iterable<Open>,
  fetchBytes: number,
  widths: Pick<RecordWidths, 'bytesOf'>,
): FetchPlan {
  let held = 0;
  let open = 0;
  const waiting: (Cursor & { readonly remaining: number })[] = [];
  for (const cursor of cursors) {
    if (cursor.done) continue;
    open++;
    if (cursor.loaded) held += cursor.reader?.input.length ?? 0;
    else waiting.push(cursor);
  }
  const even = Math.floor((AHEAD * fetchBytes) / Math.max(1, open));
  const most = Math.max(LEAST_BYTES, Math.min(ENOUGH_BYTES, even));
  const shares = waiting.map((cursor) => Math.min(most, Math.max(even, widths.bytesOf(cursor, cursor.remaining))));
  const wanted = shares.reduce((sum, bytes) => sum + bytes, 0);
  const maxBytes = Math.min(fetchBytes, Math.max(wanted, fetchBytes - held));
  const asked = waiting.slice(0, howManyFit(shares, maxBytes));
  const least = Math.floor(maxBytes / asked.length);
  return {
    cursors: asked.map(({ topic, partition, offset }, i) => {
      return { topic, partition, offset, maxBytes: Math.max(least, shares[i] as number) };
    }),
    maxBytes,
  };
}

/** An answer has nothing of the others: to ask for them as well would only make question and answer longer. */
function howManyFit(shares: readonly number[], maxBytes: number): number {
  let bytes = 0;
  const first = shares.findIndex((share) => {
    bytes += share;
    return bytes > maxBytes;
  });
  return first < 0 ? shares.length : Math.max(1, first);
}
