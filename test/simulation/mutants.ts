import type { Patch } from './bundle.ts';

/** A bug planted into the modules of `src/`: the simulation must see it. */
export interface Mutant {
  readonly name: string;
  /** What goes wrong with it. */
  readonly why: string;
  readonly patches: readonly Patch[];
}

export const MUTANTS: readonly Mutant[] = [];
