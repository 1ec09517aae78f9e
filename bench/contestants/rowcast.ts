import { join } from 'node:path';
import { assertEqual, holdsOnReplica, type Lane, lookAtSlot } from '../lane.ts';
import type { ContestantName, Measurement, Phase } from '../measurement.ts';
import { CpuMeter, peakBytes } from '../processes.ts';
import { type Patience, until } from '../waiting.ts';
import type { Backlog, Contestant, Running, Setting } from './contestant.ts';
import { Daemon } from './daemon.ts';

export interface RowcastOptions extends Setting {
  /** The service's compiled main.js. */
  readonly main: string;
  readonly log: 'kafka' | 'embedded';
  /** Partitions of the topics, for workloads that do not say. */
  readonly partitions: number;
  /** Further settings of the source connector. */
  readonly source: Readonly<Record<string, string>>;
  /** Where profiles of measured runs go. */
  readonly profiles: string | undefined;
}

type Connectors = readonly ('source' | 'replica')[];

/** Rowcast: one process, as a user starts it. */
export class Rowcast implements Contestant {
  readonly name: ContestantName;
  readonly phases: readonly Phase[] = ['source', 'sink', 'end-to-end', 'snapshot', 'latency-1k', 'latency-5k', 'start'];
  readonly #options: RowcastOptions;

  constructor(options: RowcastOptions) {
    this.#options = options;
    this.name = options.log === 'kafka' ? 'rowcast' : 'rowcast-embedded';
  }

  async open(lane: Lane): Promise<void> {
    await using daemon = await this.#start(lane, ['source', 'replica'], 'open');
    await this.#consistent(daemon);
    await daemon.stop();
  }

  async drain(
    phase: 'source' | 'sink' | 'end-to-end' | 'snapshot',
    lane: Lane,
    backlog: Backlog,
  ): Promise<Measurement> {
    switch (phase) {
      case 'source':
        return await this.#source(lane, backlog);
      case 'sink':
        return await this.#toReplica(phase, lane, backlog, ['replica']);
      case 'end-to-end':
        return await this.#toReplica(phase, lane, backlog, ['source', 'replica']);
      case 'snapshot':
        return await this.#snapshot(lane, backlog);
      default:
        return phase satisfies never;
    }
  }

  async follow(lane: Lane, work: (running: Running) => Promise<void>): Promise<void> {
    await using daemon = await this.#start(lane, ['source', 'replica'], 'follow');
    const pids = new Map([
      ['daemon', daemon.pid],
      ['broker', this.#brokerPid],
    ]);
    await work({
      pids,
      pid: daemon.pid,
      assertAlive: daemon.assertAlive,
      warmUpSeconds: 20, // as Debezium: the broker is Java as well
      startedAt: daemon.startedAt,
    });
    await daemon.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** From the moment at which the stream is open to the last checkpoint, which the slot has heard of. */
  async #source(lane: Lane, { changes, endLsn }: Backlog): Promise<Measurement> {
    await using daemon = await this.#start(lane, ['source'], 'source');
    using meter = this.#meter();
    const walsender = await this.#until(daemon, 'the stream', async () => (await lookAtSlot(lane))?.pid ?? undefined);
    const begun = this.#begin(meter, daemon, walsender);
    await this.#until(daemon, 'the last checkpoint', async () =>
      ((await lookAtSlot(lane))?.confirmed ?? 0) >= endLsn ? true : undefined,
    );
    const measured = this.#end(meter, daemon, begun, changes);
    // Tables are announced before their first rows, which counts as well; the daemon's thread tells its counts a little later.
    const expected = changes + lane.tables.length;
    const counted = async (): Promise<true | undefined> =>
      (await daemon.metric('rowcast_source_changes_total')) === expected || undefined;
    await this.#until(daemon, `${expected} changes to be counted`, counted, { everyMs: 200, timeoutMs: 10_000 });
    await daemon.stop();
    return measured;
  }

  /** Until the last row is visible; from the first session on the target, or from the open stream. */
  async #toReplica(phase: Phase, lane: Lane, backlog: Backlog, connectors: Connectors): Promise<Measurement> {
    await using daemon = await this.#start(lane, connectors, phase);
    using meter = this.#meter();
    const walsender = connectors.includes('source')
      ? await this.#until(daemon, 'the stream', async () => (await lookAtSlot(lane))?.pid ?? undefined)
      : undefined;
    const backend = this.#until(daemon, 'the session on the target', () => sinkSession(lane));
    if (walsender === undefined) await backend;
    const begun = this.#begin(meter, daemon, walsender);
    meter.add('backend', await backend, true);
    const holds = async (condition: string): Promise<true | undefined> =>
      (await holdsOnReplica(lane, condition)) || undefined;
    const met = await this.#met(daemon, backlog, begun, holds);
    await this.#until(daemon, 'the last row', () => holds(backlog.whole));
    const measured = this.#end(meter, daemon, begun, backlog.changes);
    await daemon.stop();
    return { ...measured, ...met, isEqual: await assertEqual(lane) };
  }

  /** Waits until every table has rows, where there are several. */
  async #met(
    daemon: Daemon,
    { met }: Backlog,
    begun: number,
    holds: (condition: string) => Promise<true | undefined>,
  ): Promise<Pick<Measurement, 'met'>> {
    if (met === undefined) return {};
    await this.#until(daemon, 'rows in every table', () => holds(met.condition));
    return { met: { rows: met.changes, seconds: (performance.now() - begun) / 1000 } };
  }

  /** From the moment at which there is a slot until every row is stored. */
  async #snapshot(lane: Lane, { changes }: Backlog): Promise<Measurement> {
    await using daemon = await this.#start(lane, ['source'], 'snapshot');
    using meter = this.#meter();
    await this.#until(daemon, 'the slot', () => lookAtSlot(lane));
    const begun = this.#begin(meter, daemon, undefined);
    await this.#until(daemon, 'the last row', async () => (await this.#stored(lane, daemon)) >= changes || undefined);
    const measured = this.#end(meter, daemon, begun, changes);
    await daemon.stop();
    // That it was the whole table is shown by a replica of it.
    await using both = await this.#start(lane, ['source', 'replica']);
    await this.#consistent(both);
    await both.stop();
    return { ...measured, isEqual: await assertEqual(lane) };
  }

  /** Rows in the log; a daemon tells its counts five times a second. */
  async #stored({ name, table }: Lane, daemon: Daemon): Promise<number> {
    const { topics } = this.#options.servers;
    if (this.#options.log === 'kafka' && topics !== undefined) return await topics.records(`${name}.public.${table}`);
    return (await daemon.metric('rowcast_source_changes_total')) ?? 0;
  }

  async #consistent(daemon: Daemon): Promise<void> {
    const isConsistent = async (): Promise<true | undefined> =>
      (await daemon.metric('rowcast_sink_consistent')) === 1 || undefined;
    await this.#until(daemon, 'the copy', isConsistent, { everyMs: 200 });
  }

  async #start(lane: Lane, connectors: Connectors, measured?: string): Promise<Daemon> {
    const { main, log, source, profiles, servers } = this.#options;
    const onKafka = {
      'topic.creation.default.partitions': String(lane.partitions ?? this.#options.partitions),
      ...(lane.compression && { 'producer.override.compression.type': lane.compression }),
    };
    return await Daemon.start(lane, {
      main,
      connectors,
      kafka: log === 'kafka' ? servers.kafka?.bootstrap : undefined,
      source: { ...(log === 'kafka' ? onKafka : {}), ...source },
      profiles:
        profiles === undefined || measured === undefined ? undefined : join(profiles, `${lane.name}-${measured}`),
    });
  }

  get #brokerPid(): number | undefined {
    return this.#options.log === 'kafka' ? this.#options.servers.brokerPid : undefined;
  }

  #meter(): CpuMeter {
    const meter = new CpuMeter();
    meter.add('broker', this.#brokerPid);
    return meter;
  }

  #begin(meter: CpuMeter, daemon: Daemon, walsender: number | undefined): number {
    meter.add('daemon', daemon.pid);
    meter.add('walsender', walsender);
    meter.reset();
    return performance.now();
  }

  #end(meter: CpuMeter, daemon: Daemon, begun: number, rows: number): Measurement {
    const seconds = (performance.now() - begun) / 1000;
    return { rows, seconds, cpu: meter.seconds(), peakBytes: peakBytes(daemon.pid ?? 0) ?? 0 };
  }

  async #until<T>(
    daemon: Daemon,
    what: string,
    ask: () => Promise<T | undefined>,
    pace: Pick<Patience, 'everyMs' | 'timeoutMs'> = {},
  ): Promise<T> {
    const { signal } = this.#options;
    return await until(ask, { what, assertAlive: daemon.assertAlive, signal, ...pace });
  }
}

async function sinkSession({ replicaClient, name }: Lane): Promise<number | undefined> {
  const { rows } = await replicaClient.query<{ pid: number }>(
    /* sql */ `select pid from pg_stat_activity where datname = $1 and application_name like 'rowcast sink%'`,
    [name],
  );
  return rows[0]?.pid;
}
