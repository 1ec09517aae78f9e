const EPOCH = 2 ** 32;
/** Comparing 32-bit ids means nothing beyond half of their range; some room is left for what begins meanwhile. */
const COMPARABLE = 2 ** 31 - 2 ** 24;

/** What one snapshot of the server shows, in 64-bit transaction ids (below 2^53). */
export interface SnapshotBounds {
  readonly xmin: number;
  readonly xmax: number;
}

/**
 * The transactions whose rows a poll reads: from the previous snapshot's xmin (what was below it was over, and was seen) to this one's xmax. Whoever was
 * in flight is never asked for: such lists lack subtransactions, and are empty on a standby (F19).
 */
export interface XidWindow {
  readonly from: number;
  readonly to: number;
}

/** The window between two polls; undefined when they lie so far apart, or time went backwards, that ids cannot be compared. */
export function windowOf(before: SnapshotBounds, now: SnapshotBounds): XidWindow | undefined {
  if (now.xmax < before.xmax || now.xmax - before.xmin > COMPARABLE) return undefined;
  return { from: before.xmin, to: now.xmax };
}

/** True when nothing can have been written between two snapshots: none was writing at either, and none has begun. */
export function isQuiet(before: SnapshotBounds, now: SnapshotBounds): boolean {
  return before.xmin === before.xmax && now.xmin === now.xmax && before.xmax === now.xmax;
}

/** The 64-bit id of a row's xmin if it lies in the window. A row that was frozen long ago keeps its old 32 bits and may seem to. */
export function fullXid(xmin: number, { from, to }: XidWindow): number | undefined {
  const full = from + ((((xmin - from) % EPOCH) + EPOCH) % EPOCH);
  return full < to ? full : undefined;
}

/** The 32 bits of an id, as a row has them. */
export function shortXid(full: number): number {
  return full % EPOCH;
}

/** False where 32-bit ids have begun again: a frozen row may have the bits of a transaction that is still running. */
export function isFirstEpoch({ xmax }: SnapshotBounds): boolean {
  return xmax < EPOCH;
}
