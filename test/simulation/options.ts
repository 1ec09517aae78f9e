import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { MUTANTS } from './mutants/all.ts';
import type { Mutant } from './mutants/mutant.ts';
import { wholeNumber } from '../support/command-line.ts';

/** What a run is asked for. */
export interface SimulationOptions {
  /** How many seeds, from which one on; undefined: as many as the kind of run takes. */
  readonly seeds: number | undefined;
  readonly from: number;
  /** Only this one. */
  readonly seed: number | undefined;
  readonly trace: boolean;
  /** Each seed twice: both runs must be the same, step by step. */
  readonly twice: boolean;
  /** Bugs to plant, each by itself. */
  readonly mutants: readonly Mutant[];
  readonly threads: number;
}

export const HELP: string = `Runs the protocol and both loops against models of source, log, target and clock that do whatever real ones may do.

npm run simulate -- [options]
  --seeds N      how many runs (20000; 12000 for each planted bug)
  --from N       the first seed (1)
  --twice        run each seed twice and compare every step
  --seed N       one run only; with --trace its steps are printed
  --mutants      plant each of ${MUTANTS.length} bugs: every one must be caught
  --mutant NAME  plant this one only
  --threads N    (as many as there are cores)
  --help         this text

Exit code 1: a run broke a promise, or a planted bug was not caught.`;

/** Reads a command line; undefined when help was asked for. Throws what is wrong with it. */
export function parseOptions(args: readonly string[]): SimulationOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      mutant: { type: 'string' },
      mutants: { type: 'boolean', default: false },
      trace: { type: 'boolean', default: false },
      twice: { type: 'boolean', default: false },
      threads: { type: 'string', default: String(availableParallelism()) },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const mutants = values.mutants ? MUTANTS : MUTANTS.filter(({ name }) => name === values.mutant);
  if (values.mutant !== undefined && mutants.length === 0) throw new Error(`No planted bug is called ${values.mutant}`);
  return {
    seeds: values.seeds === undefined ? undefined : wholeNumber('seeds', values.seeds, 1),
    from: wholeNumber('from', values.from, 1),
    seed: values.seed === undefined ? undefined : wholeNumber('seed', values.seed, 1),
    trace: values.trace,
    twice: values.twice,
    mutants,
    threads: wholeNumber('threads', values.threads, 1),
  };
}
