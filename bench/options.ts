import { parseArgs } from 'node:util';
import type { SinkProfile } from './contestants/debezium.ts';
import { type Axis, AXES, type Point, VALUES } from './growth.ts';
import { type ContestantName, CONTESTANTS, type Phase, PHASES } from './measurement.ts';
import { type WorkloadName, WORKLOADS } from './workloads.ts';

/** What a call is asked for. */
export interface Options {
  readonly workloads: readonly WorkloadName[];
  /** Points at which to see how the cost grows. */
  readonly growth: readonly Point[];
  readonly phases: readonly Phase[];
  readonly contestants: readonly ContestantName[];
  readonly repeat: number;
  /** Instead of each workload's own number. */
  readonly rows: number | undefined;
  readonly latencySeconds: number;
  readonly partitions: number;
  /** Further settings of Rowcast's source connector. */
  readonly source: Readonly<Record<string, string>>;
  readonly sinkProfiles: readonly SinkProfile[];
  /** Folder of `postgres`; `embedded` is the package's. */
  readonly postgres: string | undefined;
  readonly profiles: string | undefined;
  readonly out: string | undefined;
  readonly document: boolean;
  /** Results of earlier calls, of which to make the document. */
  readonly results: readonly string[];
  readonly keep: boolean;
  readonly main: string | undefined;
}

export const HELP = `Measures Rowcast and, in turn with it, others that move rows from one Postgres to another.

npm run bench -- [options]
  --workloads A,B   W1 narrow inserts, W2 mixed single-row transactions, W3 rows of 30 columns, W1u updates of rows
                    that are there, W10K rows of up to 10 KB on 100 partitions (all; with --growth none)
  --growth AXIS[=V] how the cost grows with the number of tables (1,10,100,1000), partitions (1,4,16), the width of rows in
                    bytes (50,500,5000,50000,1000000) or the backlog in million rows (1,10); may be given again
  --phases A,B      source (WAL to log), sink (log to replica, filled before), end-to-end, snapshot (table to log),
                    latency-1k, latency-5k, start (all; with --growth end-to-end)
  --log A,B         kafka, embedded: what Rowcast writes to (kafka)
  --against A,B     native, pg_recvlogical, debezium: who runs in turn with it (nobody)
  --repeat N        runs of each; medians count (3)
  --rows N          rows of every workload; by default 3000000, 500000, 400000, 1000000, 100000; as the cost grows 3000000
                    for any number of tables, 300000 for partitions, 250000 rows of 500 bytes or as many bytes of
                    other widths, and what stands for a million of backlog
  --seconds N       how long latency is measured, warm-up not included (20)
  --partitions N    partitions of Rowcast's topics on Kafka (1)
  --set KEY=VALUE   a further setting of Rowcast's source connector; may be given again
  --sink-profiles A default, tuned, reduction: settings of Debezium's sink, of which the best counts (tuned,reduction)
  --postgres DIR    folder with the programs of the Postgres to use, or embedded; the newest one that is installed
  --cpu-prof DIR    the daemon writes profiles of its first start and of measured runs there; see node bench/profile.mjs
  --out FILE        where the results go (bench/results/<time>.json)
  --document        make docs/performance.md of the results, docs/performance-growth.md of those of --growth
  --results FILE    make these pages of what an earlier call has left, and measure nothing; may be given again
  --keep            keep the folder with what the daemon and the others said
  --main FILE       the service to run (dist/main.js); --from-source runs src/ as it stands, without a build
  --help            this text

An answer in a minute: npm run bench -- --workloads W1 --rows 200000 --phases source,sink --repeat 1`;

const LISTS = {
  workloads: Object.keys(WORKLOADS) as WorkloadName[],
  growth: AXES,
  phases: PHASES,
  log: ['kafka', 'embedded'],
  against: ['native', 'pg_recvlogical', 'debezium'],
  'sink-profiles': ['default', 'tuned', 'reduction'],
} as const;

/** Reads the command line; throws with what is wrong with it. Undefined when only help is wanted. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      workloads: text,
      growth: { type: 'string', multiple: true },
      phases: text,
      log: text,
      against: text,
      repeat: text,
      rows: text,
      seconds: text,
      partitions: text,
      set: { type: 'string', multiple: true },
      'sink-profiles': text,
      postgres: text,
      'cpu-prof': text,
      out: text,
      main: text,
      document: flag,
      results: { type: 'string', multiple: true },
      keep: flag,
      help: flag,
    } as const,
  });
  if (values.help) return undefined;
  const grows = values.growth !== undefined;
  const logs = list('log', values.log ?? 'kafka');
  const chosen = new Set<string>([
    ...(logs.includes('kafka') ? ['rowcast'] : []),
    ...(logs.includes('embedded') ? ['rowcast-embedded'] : []),
    ...list('against', values.against ?? ''),
  ]);
  return {
    workloads: list('workloads', values.workloads ?? (grows ? '' : LISTS.workloads.join(','))),
    growth: (values.growth ?? []).flatMap(points),
    phases: list('phases', values.phases ?? (grows ? 'end-to-end' : PHASES.join(','))),
    contestants: CONTESTANTS.filter((name) => chosen.has(name)),
    repeat: wholeNumber('repeat', values.repeat ?? '3'),
    rows: values.rows === undefined ? undefined : wholeNumber('rows', values.rows),
    latencySeconds: wholeNumber('seconds', values.seconds ?? '20'),
    partitions: wholeNumber('partitions', values.partitions ?? '1'),
    source: Object.fromEntries((values.set ?? []).map(pair)),
    sinkProfiles: list('sink-profiles', values['sink-profiles'] ?? 'tuned,reduction'),
    postgres: values.postgres,
    profiles: values['cpu-prof'],
    out: values.out,
    document: values.document,
    results: values.results ?? [],
    keep: values.keep,
    main: values.main,
  };
}

function list<Name extends keyof typeof LISTS>(name: Name, given: string): (typeof LISTS)[Name][number][] {
  const known: readonly string[] = LISTS[name];
  const words = given.split(',').filter((word) => word !== '');
  const wrong = words.find((word) => !known.includes(word));
  if (wrong !== undefined) throw new Error(`--${name} knows ${known.join(', ')}, not "${wrong}"`);
  return words as (typeof LISTS)[Name][number][];
}

/** `tables` is an axis with its own values, `tables=5,50` one with these. */
function points(given: string): Point[] {
  const [name = '', values] = given.split('=');
  const axis = list('growth', name)[0] as Axis | undefined;
  if (axis === undefined) throw new Error('--growth needs an axis');
  const numbers = values === undefined ? VALUES[axis] : values.split(',').map((each) => wholeNumber('growth', each));
  return numbers.map((value) => ({ axis, value }));
}

function pair(given: string): [string, string] {
  const at = given.indexOf('=');
  if (at < 1) throw new Error(`--set is KEY=VALUE, not "${given}"`);
  return [given.slice(0, at), given.slice(at + 1)];
}

function wholeNumber(name: string, given: string): number {
  const number = Number(given);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new Error(`--${name} is a whole number, at least 1`);
}
