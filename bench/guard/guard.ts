import { median } from '../statistics.ts';
import { referenceLoop } from './reference-loop.ts';
import type { Transcoder } from './transcoders.ts';

/** How many times a transcoder's work takes as long as the fixed loop's, by name. */
export type Ratios = Readonly<Record<string, number>>;

/** A transcoder that has become slower than the reference allows. */
export interface Slowdown {
  readonly name: string;
  /** How many times slower than the reference, and than the others have become. */
  readonly factor: number;
}

/** Something that all transcoders share has become slow; below it the machine may be what differs. */
const ALL_SLOWER = 1.5;
const WARM_UP = 150;

/**
 * Times everything in turn, again and again, and keeps of each the shortest time: work of a fraction of a millisecond is somewhere left alone
 * even on a machine that is busy. The longer it measures, the closer both sides of a ratio come to what they are.
 */
export class Stopwatch {
  readonly #all: readonly Transcoder[];
  readonly #shortest: number[];
  #reference = Number.POSITIVE_INFINITY;

  constructor(all: readonly Transcoder[]) {
    this.#all = all;
    this.#shortest = all.map(() => Number.POSITIVE_INFINITY);
    for (let i = 0; i < WARM_UP; i++) {
      referenceLoop();
      for (const { run } of all) run();
    }
  }

  /** Measures `rounds` times more. */
  measure(rounds: number): void {
    for (let round = 0; round < rounds; round++) {
      this.#reference = Math.min(this.#reference, timed(referenceLoop));
      for (const [i, { run }] of this.#all.entries()) {
        this.#shortest[i] = Math.min(this.#shortest[i] as number, timed(run));
      }
    }
  }

  /** Of all measurements so far. */
  get ratios(): Ratios {
    return Object.fromEntries(this.#all.map(({ name }, i) => [name, (this.#shortest[i] as number) / this.#reference]));
  }
}

/**
 * What has become slower than `limit` times the reference. A machine that is busy, or another one, shifts all ratios alike, so each is judged by the
 * middle of all; when that itself is far off, all are slow. What the reference does not know is told as well: it is to be measured anew.
 */
export function slowdowns(now: Ratios, reference: Ratios, limit: number): Slowdown[] {
  const factors = Object.entries(now).map(([name, ratio]) => ({ name, factor: ratio / (reference[name] ?? 0) }));
  const middle = median(factors.map(({ factor }) => factor));
  const common = middle > ALL_SLOWER ? 1 : middle;
  return factors.map(({ name, factor }) => ({ name, factor: factor / common })).filter(({ factor }) => factor > limit);
}

function timed(work: () => unknown): number {
  const begun = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - begun);
}
