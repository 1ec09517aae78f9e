import { parseArgs } from 'node:util';
import { PLANTS, type Plant } from './plant.ts';
import { wholeNumber } from '../support/command-line.ts';

/** What a run is asked for. */
export interface Options {
  readonly log: 'embedded' | 'kafka';
  /** How many sessions write all the time. */
  readonly writers: number;
  /** Only every n-th statement that others do not build on is left out: a short run. */
  readonly short: boolean;
  /** How often the daemon is killed meanwhile. */
  readonly kills: number;
  readonly plant: Plant | undefined;
  readonly keep: boolean;
  /** The service's main.js; by default that of `npm run build`. */
  readonly main: string | undefined;
}

export const HELP: string = `Runs DDL statements of all kinds while sessions write, and proves that the replica's rows and catalog equal the source's.

npm run ddl -- [options]
  --log LOG     embedded or kafka (embedded)
  --writers N   sessions that write all the time (4)
  --kills N     how often the daemon is killed meanwhile (0)
  --short       only the first statements
  --plant BUG   put a bug into the daemon, which must be found: ${PLANTS.join(', ')}
  --keep        keep data, log files and connector files, and say where
  --main FILE   the service to run (dist/main.js)
  --from-source run src/ as it stands instead, without a build
  --help        this text`;

/** Reads the command line; throws with what is wrong with it. Undefined when only help is wanted. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      log: { type: 'string', default: 'embedded' },
      writers: { type: 'string', default: '4' },
      kills: { type: 'string', default: '0' },
      plant: { type: 'string' },
      main: { type: 'string' },
      short: flag,
      keep: flag,
      help: flag,
    },
  });
  if (values.help) return undefined;
  const { log, short, keep, main } = values;
  if (log !== 'embedded' && log !== 'kafka') throw new Error('--log is embedded or kafka');
  const plant = PLANTS.find((each) => each === values.plant);
  if (values.plant !== undefined && plant === undefined) throw new Error(`--plant is one of ${PLANTS.join(', ')}`);
  return {
    log,
    short,
    keep,
    main,
    plant,
    writers: wholeNumber('writers', values.writers, 1),
    kills: wholeNumber('kills', values.kills, 0),
  };
}
