import { parseArgs } from 'node:util';

/** The ways to capture. */
export type CaptureName = 'wal' | 'query' | 'trigger';

/** What a run is asked for. */
export interface Options {
  readonly source: CaptureName;
  readonly kills: number;
  readonly logs: readonly ('embedded' | 'kafka')[];
  readonly seed: number;
  readonly keep: boolean;
  /** The service's main.js; by default that of `npm run build`. */
  readonly main: string | undefined;
}

export const HELP = `Kills a running Rowcast again and again, and proves that nothing was lost, applied twice or torn.

npm run torture -- [options]
  --source NAME wal, query or trigger: the way to capture (wal)
  --kills N     how many kills count (50); half at fail points, half at random moments
  --log LOG     embedded, kafka or both (both)
  --kafka       the same as --log kafka
  --seed N      which plan of kills and transactions (random, printed)
  --keep        keep data, log files and connector files, and say where
  --main FILE   the service to run (dist/main.js)
  --from-source run src/ as it stands instead, without a build
  --help        this text`;

/** Reads the command line; throws with what is wrong with it. Undefined when only help is wanted. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      source: { type: 'string', default: 'wal' },
      kills: { type: 'string', default: '50' },
      log: { type: 'string' },
      kafka: { type: 'boolean', default: false },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      keep: { type: 'boolean', default: false },
      main: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { source, log = values.kafka ? 'kafka' : 'both', keep, main } = values;
  if (source !== 'wal' && source !== 'query' && source !== 'trigger')
    throw new Error('--source is wal, query or trigger');
  if (log !== 'embedded' && log !== 'kafka' && log !== 'both') throw new Error('--log is embedded, kafka or both');
  if (values.kafka && log !== 'kafka') throw new Error('--kafka and --log say different things');
  return {
    source,
    kills: wholeNumber('kills', values.kills, 2),
    logs: log === 'both' ? ['embedded', 'kafka'] : [log],
    seed: wholeNumber('seed', values.seed, 0),
    keep,
    main,
  };
}

function wholeNumber(name: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new Error(`--${name} is a whole number, at least ${least}`);
}
