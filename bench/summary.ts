import { AXES, type Point } from './growth.ts';
import { type ContestantName, CONTESTANTS, type Phase, PHASES, type Run } from './measurement.ts';
import { median } from './statistics.ts';
import { WORKLOADS } from './workloads.ts';

/** The medians of all repeats of one thing by one contestant. */
export interface Summary {
  readonly phase: Phase;
  readonly workload: string | undefined;
  readonly growth: Point | undefined;
  readonly contestant: ContestantName;
  readonly call: number | undefined;
  readonly repeats: number;
  readonly rowsPerSecond: number | undefined;
  /** The slowest and the fastest of the repeats. */
  readonly range: readonly [number, number] | undefined;
  readonly megabytesPerSecond: number | undefined;
  readonly seconds: number | undefined;
  /** Seconds until each of several tables had rows, and rows per second from there on. */
  readonly met: { readonly seconds: number; readonly rowsPerSecondThen: number } | undefined;
  readonly latency: { readonly p50: number; readonly p99: number; readonly p999: number } | undefined;
  /** CPU-seconds per million rows by process; of latencies, how many cores were busy. */
  readonly cpu: Readonly<Record<string, number>>;
  readonly peakBytes: number | undefined;
  readonly isEqual: boolean | undefined;
  readonly profile: string | undefined;
}

/** How Rowcast stands to another: above 1 it is better. */
export interface Ratio {
  readonly workload: string;
  readonly phase: string;
  readonly against: ContestantName;
  readonly log: 'kafka' | 'embedded';
  readonly ratio: number;
}

/** One summary for each phase, workload, call and contestant, in the order in which they are to be read. */
export function summarize(runs: readonly Run[]): Summary[] {
  const groups = group(runs);
  const order = (run: Run): number[] => [
    PHASES.indexOf(run.phase),
    run.growth === undefined ? -1 : AXES.indexOf(run.growth.axis),
    run.growth?.value ?? Object.keys(WORKLOADS).indexOf(run.workload ?? 'W1'),
    run.call ?? 0,
    CONTESTANTS.indexOf(run.contestant),
  ];
  return [...groups.values()]
    .toSorted(([a], [b]) => compare(order(a as Run), order(b as Run)))
    .map((group) => summaryOf(group));
}

/** Rates of Rowcast over those of the others, and their latencies and start over those of Rowcast. */
export function ratios(summaries: readonly Summary[]): Ratio[] {
  return summaries
    .filter(({ contestant }) => contestant === 'rowcast' || contestant === 'rowcast-embedded')
    .flatMap((own) =>
      summaries
        .filter(
          (other) =>
            !other.contestant.startsWith('rowcast') &&
            other.phase === own.phase &&
            other.workload === own.workload &&
            other.call === own.call,
        )
        .map((other) => ({
          workload: own.workload ?? 'W1',
          phase: own.phase,
          against: other.contestant,
          log: own.contestant === 'rowcast' ? ('kafka' as const) : ('embedded' as const),
          ratio: score(own) / score(other),
        })),
    );
}

/** `ratio W1 source pg_recvlogical 1.08`, one for each line. */
export function ratioLines(all: readonly Ratio[]): string[] {
  return all.map(
    ({ workload, phase, against, log, ratio }) =>
      `ratio ${workload} ${phase} ${against} ${ratio.toFixed(2)}${log === 'embedded' ? ' embedded' : ''}`,
  );
}

function score({ rowsPerSecond, latency, seconds, phase }: Summary): number {
  if (latency !== undefined) return 1 / latency.p99;
  return phase === 'start' ? 1 / (seconds ?? Number.NaN) : (rowsPerSecond ?? Number.NaN);
}

function summaryOf(runs: readonly Run[]): Summary {
  const { phase, workload, growth, contestant, call } = runs[0] as Run;
  const rates = runs.flatMap(({ rows, seconds }) =>
    rows === undefined || seconds === undefined || phase === 'start' ? [] : [rows / seconds],
  );
  const speeds = runs.flatMap(({ bytes, seconds }) =>
    bytes === undefined || seconds === undefined ? [] : [bytes / seconds / 1e6],
  );
  const peaks = runs.flatMap(({ peakBytes }) => (peakBytes === undefined ? [] : [peakBytes]));
  const times = runs.flatMap(({ seconds, latency }) =>
    seconds === undefined || latency !== undefined ? [] : [seconds],
  );
  const latencies = runs.flatMap(({ latency }) => (latency === undefined ? [] : [latency]));
  const over = (pick: (latency: NonNullable<Run['latency']>) => number): number => median(latencies.map(pick));
  return {
    phase,
    workload,
    growth,
    contestant,
    call,
    repeats: runs.length,
    rowsPerSecond: rates.length === 0 ? undefined : median(rates),
    range: rates.length === 0 ? undefined : [Math.min(...rates), Math.max(...rates)],
    megabytesPerSecond: speeds.length === 0 ? undefined : median(speeds),
    met: metOf(runs),
    seconds: times.length === 0 ? undefined : median(times),
    latency:
      latencies.length === 0
        ? undefined
        : { p50: over((l) => l.p50), p99: over((l) => l.p99), p999: over((l) => l.p999) },
    cpu: cpuOf(runs),
    peakBytes: peaks.length === 0 ? undefined : Math.max(...peaks),
    isEqual: runs.some(({ isEqual }) => isEqual !== undefined)
      ? runs.every(({ isEqual }) => isEqual !== false)
      : undefined,
    profile: runs[0]?.profile,
  };
}

function metOf(runs: readonly Run[]): Summary['met'] {
  const all = runs.flatMap(({ rows, seconds, met }) => (met && rows && seconds ? [{ rows, seconds, met }] : []));
  if (all.length === 0) return undefined;
  return {
    seconds: median(all.map(({ met }) => met.seconds)),
    rowsPerSecondThen: median(all.map(({ rows, seconds, met }) => (rows - met.rows) / (seconds - met.seconds))),
  };
}

function cpuOf(runs: readonly Run[]): Record<string, number> {
  const names = [...new Set(runs.flatMap(({ cpu }) => Object.keys(cpu)))];
  const per = ({ phase, rows, seconds }: Run): number =>
    phase.startsWith('latency') ? (seconds ?? Number.NaN) : phase === 'start' ? 1 : (rows ?? Number.NaN) / 1e6;
  return Object.fromEntries(names.map((name) => [name, median(runs.map((run) => (run.cpu[name] ?? 0) / per(run)))]));
}

function keyOf({ phase, workload, contestant, call = 0 }: Run): string {
  return `${phase} ${workload} ${contestant} ${call}`;
}

/** As `Map.groupBy`, which is younger than Node 20. */
function group(runs: readonly Run[]): Map<string, Run[]> {
  const groups = new Map<string, Run[]>();
  for (const run of runs) groups.set(keyOf(run), [...(groups.get(keyOf(run)) ?? []), run]);
  return groups;
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at < 0 ? 0 : (a[at] as number) - (b[at] as number);
}
