import { parseArgs } from 'node:util';
import { FAULT_KINDS, type FaultKind } from './faults/fault.ts';

/** The ways to capture. */
export type CaptureName = 'wal' | 'query' | 'trigger';

/** What a run is asked for. */
export interface Options {
  readonly source: CaptureName;
  readonly kills: number;
  /** How often each kind of fault is to strike. */
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly logs: readonly ('embedded' | 'kafka')[];
  readonly seed: number;
  readonly keep: boolean;
  /** The service's main.js; by default that of `npm run build`. */
  readonly main: string | undefined;
}

export const HELP: string = `Kills a running Rowcast again and again, and proves that nothing was lost, applied twice or torn.

npm run torture -- [options]
  --source NAME wal, query or trigger: the way to capture (wal)
  --kills N     how many kills count (50); half at fail points, half at random moments. 0 with --faults: none
  --faults LIST other faults than kills: names of kinds with commas between, or all of them (all); kind=N strikes so often
                ${FAULT_KINDS.slice(0, 5).join(', ')},
                ${FAULT_KINDS.slice(5).join(', ')}
  --each N      how often a kind without a number strikes (5)
  --lost N      the same as lost-response=N in the list
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
      faults: { type: 'string', default: '' },
      each: { type: 'string', default: '5' },
      lost: { type: 'string' },
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
  const lost = values.lost === undefined ? '' : `,lost-response=${values.lost}`;
  const faults = faultsOf(`${values.faults}${lost}`, wholeNumber('each', values.each, 1));
  return {
    source,
    kills: faults.size > 0 && values.kills === '0' ? 0 : wholeNumber('kills', values.kills, 2),
    faults,
    logs: log === 'both' ? ['embedded', 'kafka'] : [log],
    seed: wholeNumber('seed', values.seed, 0),
    keep,
    main,
  };
}

/** `zombie,cut=20,all`: a kind that is named again is meant anew. */
function faultsOf(list: string, each: number): ReadonlyMap<FaultKind, number> {
  const faults = new Map<FaultKind, number>();
  for (const item of list.split(',').filter((text) => text !== '')) {
    const [name, count] = item.split('=') as [string, string | undefined];
    const times = count === undefined ? each : wholeNumber('faults', count, 1);
    if (name !== 'all' && !FAULT_KINDS.includes(name as FaultKind)) throw new Error(`There is no fault ${name}`);
    for (const kind of name === 'all' ? FAULT_KINDS : [name as FaultKind]) faults.set(kind, times);
  }
  return faults;
}

function wholeNumber(name: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new Error(`--${name} is a whole number, at least ${least}`);
}
