/** How long it took until something new was applied, by what had happened before. */
export class Recoveries {
  readonly #times = new Map<string, number[]>();

  add(after: string, ms: number): void {
    const times = this.#times.get(after);
    if (times === undefined) this.#times.set(after, [ms]);
    else times.push(ms);
  }

  addAll(other: Recoveries): void {
    for (const [after, times] of other.#times) for (const ms of times) this.add(after, ms);
  }

  /** A line for each thing that has happened, in the order in which they have first. */
  lines(): string[] {
    return [...this.#times].map(([after, times]) => {
      const sorted = times.toSorted((a, b) => a - b);
      const [median, p99, longest] = [0.5, 0.99, 1].map((share) => seconds(percentile(sorted, share)));
      const count = times.length === 1 ? 'once' : `${times.length} times`;
      return `first new row after ${after} (${count}): median ${median}, p99 ${p99}, longest ${longest}`;
    });
  }
}

/** The least value of an ascending list that so large a share of it does not exceed. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Milliseconds for a person. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
