import { parseArgs } from 'node:util';
import { type Plant, PLANTS } from './plant.ts';
import { wholeNumber } from '../support/command-line.ts';

/** What a run is asked for. */
export interface Options {
  readonly rounds: number;
  readonly seed: number;
  readonly first: number;
  readonly plant: Plant | undefined;
  readonly shrinkMs: number;
  readonly goOn: boolean;
  /** With DDL replication. */
  readonly ddl: boolean;
}

export const HELP: string = `Random tables and random statements on a source; the replica must equal it after each round.

npm run fuzz:replica -- [options]
  --rounds N     how many rounds (200)
  --seed N       which ones (random, printed)
  --first N      begin with this round (1)
  --plant BUG    plant a bug that rounds must notice: ${PLANTS.join(', ')}
  --shrink N     seconds for which a failure is made smaller (120)
  --ddl          set DDL replication up, and change tables in every way that it follows
  --go-on        go on behind a failure
  --help         this text`;

/** Reads the command line; throws with what is wrong with it. Undefined when only help is wanted. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '200' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      first: { type: 'string', default: '1' },
      plant: { type: 'string' },
      shrink: { type: 'string', default: '120' },
      ddl: { type: 'boolean', default: false },
      'go-on': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const plant = PLANTS.find((name) => name === values.plant);
  if (values.plant !== undefined && plant === undefined) throw new Error(`--plant is one of ${PLANTS.join(', ')}`);
  return {
    rounds: wholeNumber('rounds', values.rounds, 1),
    seed: wholeNumber('seed', values.seed, 0),
    first: wholeNumber('first', values.first, 1),
    plant,
    shrinkMs: wholeNumber('shrink', values.shrink, 0) * 1000,
    goOn: values['go-on'],
    ddl: values.ddl,
  };
}
