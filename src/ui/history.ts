/** A connector's counters at one moment, in seconds since 1970. */
export interface Sample {
  readonly at: number;
  /** Rows since the process started. */
  readonly rows: number;
  /** How far it is behind, in milliseconds; undefined when it is not known. */
  readonly lagMs: number | undefined;
}

/** Lines of a chart: seconds since 1970, rows per second, and milliseconds; `null` where there is nothing to draw. */
export interface Series {
  readonly at: readonly number[];
  readonly rate: readonly (number | null)[];
  readonly lagMs: readonly (number | null)[];
}

/** The last samples of one connector. */
export class History {
  readonly #samples: Sample[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  add(sample: Sample): void {
    this.#samples.push(sample);
    if (this.#samples.length > this.#most) this.#samples.shift();
  }

  /** Rates between neighbours. A counter that has fallen began anew, with the process: no rate there. */
  series(): Series {
    const rate = this.#samples.map((sample, i) => {
      const before = this.#samples[i - 1];
      if (before === undefined || sample.rows < before.rows || sample.at <= before.at) return null;
      return (sample.rows - before.rows) / (sample.at - before.at);
    });
    return {
      at: this.#samples.map(({ at }) => at),
      rate,
      lagMs: this.#samples.map(({ lagMs }) => lagMs ?? null),
    };
  }
}
