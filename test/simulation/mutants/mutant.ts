import type { Patch } from '../bundle.ts';

/** A bug planted into the modules of `src/`: the simulation must see it. */
export interface Mutant {
  /** Letters are those of docs/architecture.md and docs/format.md, or the invariant's number. */
  readonly name: string;
  /** A seed that caught it; another one does when the loops have changed since. */
  readonly seed: number;
  /** Last digits of the seeds that are of a kind that can catch it; absent: all. */
  readonly digits?: readonly number[];
  /** What goes wrong with it. */
  readonly why: string;
  readonly patches: readonly Patch[];
}
