import { load, makeSubject } from './backlog.ts';
import type { Contestant } from './contestants/contestant.ts';
import { type Lane, openLane, type Subject } from './lane.ts';
import { makeLatencySubject, measureLatency, measureStart } from './latency.ts';
import type { Measurement, Phase, Run } from './measurement.ts';
import type { Options } from './options.ts';
import type { Servers } from './servers.ts';
import { type GrowthWorkload, growthWorkload } from './growth.ts';
import { slugOf, type Workload } from './workload.ts';
import { WORKLOADS } from './workloads.ts';

export interface CampaignOptions extends Options {
  readonly servers: Servers;
  readonly racers: readonly Contestant[];
  readonly directory: string;
  readonly signal: AbortSignal;
  /** Hears of every run, at once. */
  readonly onRun: (run: Run) => void;
  readonly print: (line: string) => void;
}

/** Phases that move what was loaded before. */
const DRAINED = ['source', 'sink', 'end-to-end', 'snapshot'] as const;
const PER_SECOND = { 'latency-1k': 1_000, 'latency-5k': 5_000 } as const;

/** Runs everything that is asked for: contestants in turn, so that what else the machine does meets all of them. */
export async function runCampaign(options: CampaignOptions): Promise<void> {
  for (const name of options.workloads) await runWorkload(options, WORKLOADS[name]);
  for (const point of options.growth) await runWorkload(options, growthWorkload(point));
  for (const phase of ['latency-1k', 'latency-5k', 'start'] as const) {
    if (options.phases.includes(phase)) await runFollowing(options, phase);
  }
}

/** What a contestant's lane is for: its source and then its sink, or both at once. */
type Way = 'stages' | 'whole';

interface Entry {
  readonly contestant: Contestant;
  readonly way: Way;
  readonly repeat: number;
  readonly lane: Lane;
}

/** All lanes exist before the load, so that each finds the whole of it. */
async function runWorkload(options: CampaignOptions, workload: Workload | GrowthWorkload): Promise<void> {
  const { servers, directory, print, repeat } = options;
  if (!DRAINED.some((phase) => options.phases.includes(phase))) return;
  const rows = options.rows ?? workload.rows;
  print(`${workload.name}: ${workload.title}, ${rows} rows`);
  const database = `bench_${slugOf(workload)}`;
  const subject = await makeSubject(workload, rows, await servers.source.createDatabase(database));
  const entries: Entry[] = [];
  try {
    for (let n = 1; n <= repeat; n++) {
      for (const { contestant, way } of entrants(options, workload)) {
        const name = `${slugOf(workload)}_${contestant.name.replaceAll('-', '_')}_${way}_${n}`;
        const lane = await openLane(servers, subject, name, directory);
        entries.push({ contestant, way, repeat: n, lane });
        await contestant.open(lane);
      }
    }
    const backlog = await load(workload, rows, subject);
    for (let n = 1; n <= repeat; n++) {
      for (const phase of ['source', 'sink', 'end-to-end'] as const) {
        const way: Way = phase === 'end-to-end' ? 'whole' : 'stages';
        for (const entry of inTurn(
          entries.filter((each) => each.repeat === n && each.way === way),
          n,
        )) {
          if (!entry.contestant.phases.includes(phase) || !isNeeded(options, phase)) continue;
          report(
            options,
            workload,
            phase,
            entry,
            backlog.bytes,
            await entry.contestant.drain(phase, entry.lane, backlog),
          );
        }
      }
      if (options.phases.includes('snapshot') && workload.name !== 'W1u' && !('growth' in workload))
        await copyTables(options, workload, subject, n);
    }
  } finally {
    for (const { lane } of entries) await lane[Symbol.asyncDispose]();
  }
  await servers.sourceClient.query(/* sql */ `drop database "${database}" with (force)`);
}

/** A topic is filled before a sink reads it, asked for or not. */
function isNeeded({ phases }: CampaignOptions, phase: Phase): boolean {
  return phases.includes(phase) || (phase === 'source' && phases.includes('sink'));
}

function entrants(
  { racers, phases }: CampaignOptions,
  workload: Workload | GrowthWorkload,
): { contestant: Contestant; way: Way }[] {
  const wants = (contestant: Contestant, phase: Phase): boolean =>
    phases.includes(phase) && contestant.phases.includes(phase);
  // Debezium is not shown as the cost grows: one table and one partition of it take minutes.
  const all = 'growth' in workload ? racers.filter(({ name }) => name !== 'debezium') : racers;
  return all.flatMap((contestant) => [
    ...(wants(contestant, 'source') || wants(contestant, 'sink') ? [{ contestant, way: 'stages' as const }] : []),
    ...(wants(contestant, 'end-to-end') && workload.name !== 'W1u' ? [{ contestant, way: 'whole' as const }] : []),
  ]);
}

/** Nobody always goes first. */
function inTurn<T>(all: readonly T[], repeat: number): readonly T[] {
  const first = (repeat - 1) % Math.max(1, all.length);
  return [...all.slice(first), ...all.slice(0, first)];
}

async function copyTables(
  options: CampaignOptions,
  workload: Workload,
  subject: Subject,
  repeat: number,
): Promise<void> {
  for (const contestant of inTurn(options.racers, repeat)) {
    if (!contestant.phases.includes('snapshot')) continue;
    const name = `${slugOf(workload)}_${contestant.name.replaceAll('-', '_')}_copy_${repeat}`;
    await using lane = await openLane(options.servers, subject, name, options.directory);
    const { rows: counted } = await lane.sourceClient.query<{ count: string; bytes: string }>(
      /* sql */ `select count(*), sum(octet_length(subject::text)) as bytes from ${subject.table} subject`,
    );
    const changes = Number(counted[0]?.count);
    const backlog = { changes, records: changes, endLsn: 0, begun: 'true', whole: 'true' };
    const measured = await contestant.drain('snapshot', lane, backlog);
    report(options, workload, 'snapshot', { contestant, repeat }, Number(counted[0]?.bytes), measured);
  }
}

function report(
  { onRun, phases }: CampaignOptions,
  workload: Workload | GrowthWorkload,
  phase: Phase,
  { contestant, repeat }: Pick<Entry, 'contestant' | 'repeat'>,
  bytes: number,
  measured: Measurement,
): void {
  if (!phases.includes(phase)) return;
  const growth = 'growth' in workload ? { growth: workload.growth } : {};
  onRun({ phase, workload: workload.name, ...growth, contestant: contestant.name, repeat, bytes, ...measured });
}

/** Phases with a running source: nothing is loaded before. */
async function runFollowing(options: CampaignOptions, phase: 'latency-1k' | 'latency-5k' | 'start'): Promise<void> {
  const { servers, directory, repeat, signal, latencySeconds, onRun, print } = options;
  print(phase);
  for (let n = 1; n <= repeat; n++) {
    for (const contestant of inTurn(options.racers, n)) {
      if (!contestant.phases.includes(phase)) continue;
      const name = `${phase}_${contestant.name}_${n}`.replaceAll('-', '_');
      const subject = await makeLatencySubject(await servers.source.createDatabase(name));
      await using lane = await openLane(servers, subject, name, directory);
      await contestant.open(lane);
      const measured =
        phase === 'start'
          ? await measureStart(contestant, lane, signal)
          : await measureLatency(contestant, lane, PER_SECOND[phase], latencySeconds, signal);
      onRun({ phase, contestant: contestant.name, repeat: n, ...measured });
    }
  }
}
