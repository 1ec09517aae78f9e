/** How often values fell between bounds; plain data, so that it can go from thread to thread. */
export interface Histogram {
  /** Upper bounds, each included, growing. */
  readonly bounds: readonly number[];
  /** One for each bound, and one for what lies above the last. */
  readonly counts: number[];
  sum: number;
}

/** A histogram of nothing yet. */
export function emptyHistogram(bounds: readonly number[]): Histogram {
  return { bounds, counts: [...bounds, 0].map(() => 0), sum: 0 };
}

/** Adds one value. */
export function addValue(to: Histogram, value: number): void {
  let i = 0;
  while (i < to.bounds.length && value > (to.bounds[i] as number)) i++;
  to.counts[i] = (to.counts[i] ?? 0) + 1;
  to.sum += value;
}
