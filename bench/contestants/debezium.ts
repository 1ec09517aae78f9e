import { join } from 'node:path';
import { assertEqual, holdsOnReplica, type Lane, lookAtSlot, makeSlot } from '../lane.ts';
import type { Measurement, Phase } from '../measurement.ts';
import { CpuMeter, peakBytes } from '../processes.ts';
import type { Topics } from '../topics.ts';
import { until } from '../waiting.ts';
import { type JavaProcess, type Properties, startConnect, startRegistry } from './connect.ts';
import type { Backlog, Contestant, Running, Setting } from './contestant.ts';
import { type DebeziumJars, debeziumJars } from './debezium-jars.ts';

type Goal = 'throughput' | 'latency';
/** Settings of the JDBC sink; of several the best one counts. */
export type SinkProfile = 'default' | 'tuned' | 'reduction';

export interface DebeziumOptions extends Setting {
  readonly directory: string;
  readonly sinkProfiles: readonly SinkProfile[];
}

/** Debezium's source, Avro and Debezium's JDBC sink in one Kafka Connect, tuned as well as we know how. */
export class Debezium implements Contestant {
  readonly name = 'debezium';
  readonly phases: readonly Phase[] = ['source', 'sink', 'end-to-end', 'snapshot', 'latency-1k', 'latency-5k', 'start'];
  readonly #options: DebeziumOptions;
  readonly #jars: DebeziumJars;
  readonly #registry: { process: JavaProcess; url: string };
  readonly #topics: Topics;
  readonly #bootstrap: string;

  private constructor(
    options: DebeziumOptions,
    jars: DebeziumJars,
    registry: { process: JavaProcess; url: string },
    topics: Topics,
    bootstrap: string,
  ) {
    this.#options = options;
    this.#jars = jars;
    this.#registry = registry;
    this.#topics = topics;
    this.#bootstrap = bootstrap;
  }

  static async start(options: DebeziumOptions): Promise<Debezium> {
    const { kafka, topics } = options.servers;
    if (kafka === undefined || topics === undefined) throw new Error('Debezium needs Kafka');
    const jars = await debeziumJars(options.print);
    const registry = await startRegistry(jars, options.directory, options.signal);
    return new Debezium(options, jars, registry, topics, kafka.bootstrap);
  }

  async open(lane: Lane): Promise<void> {
    await makeSlot(lane);
    await lane.replicaClient.query(lane.create);
    await this.#topics.create(topicOf(lane), lane.partitions ?? 1);
  }

  async drain(
    phase: 'source' | 'sink' | 'end-to-end' | 'snapshot',
    lane: Lane,
    backlog: Backlog,
  ): Promise<Measurement> {
    switch (phase) {
      case 'source':
        return await this.#toTopic(lane, backlog, 'no_data', backlog.records);
      case 'sink':
        return await this.#bestSink(lane, backlog);
      case 'end-to-end':
        return await this.#toReplica(lane, backlog, [source(lane, 'throughput'), sink(lane, 'tuned')], 'tuned');
      case 'snapshot':
        await this.#topics.create(topicOf(lane), lane.partitions ?? 1);
        await lane.sourceClient.query(/* sql */ `create publication "${lane.name}" for table ${lane.table}`);
        return await this.#toTopic(lane, backlog, 'initial_only', backlog.changes);
      default:
        return phase satisfies never;
    }
  }

  async follow(lane: Lane, work: (running: Running) => Promise<void>): Promise<void> {
    await using connect = await this.#connect(lane, 'follow', [
      source(lane, 'latency'),
      sink(lane, 'reduction', 'latency'),
    ]);
    const pids = new Map([
      ['connect', connect.pid],
      ['broker', this.#options.servers.brokerPid],
    ]);
    const { assertAlive, startedAt, pid } = connect;
    await work({ pids, pid, assertAlive, warmUpSeconds: 20, startedAt });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#registry.process[Symbol.asyncDispose]();
  }

  /** Between the first and the last record: how long Java takes to start does not count. */
  async #toTopic(lane: Lane, backlog: Backlog, mode: string, records: number): Promise<Measurement> {
    await using connect = await this.#connect(lane, mode, [{ ...source(lane, 'throughput'), 'snapshot.mode': mode }]);
    using meter = this.#meter();
    const first = await this.#until(
      connect,
      'the first record',
      async () => (await this.#topics.records(topicOf(lane))) || undefined,
    );
    meter.add('walsender', (await lookAtSlot(lane))?.pid);
    const begun = this.#begin(meter, connect);
    await this.#until(
      connect,
      'the last record',
      async () => (await this.#topics.records(topicOf(lane))) >= records || undefined,
    );
    const seconds = (performance.now() - begun) / 1000;
    const rows = Math.round(((records - first) / records) * backlog.changes);
    return { rows, seconds, cpu: meter.seconds(), peakBytes: peakBytes(connect.pid ?? 0) ?? 0, profile: 'tuned' };
  }

  async #bestSink(lane: Lane, backlog: Backlog): Promise<Measurement> {
    let best: Measurement | undefined;
    for (const profile of this.#options.sinkProfiles) {
      if (best) await lane.replicaClient.query(/* sql */ `drop table ${lane.table}; ${lane.create}`);
      const measured = await this.#toReplica(lane, backlog, [sink(lane, profile)], profile);
      this.#options.print(
        `  debezium's sink, ${profile}: ${Math.round((measured.rows ?? 0) / (measured.seconds ?? 1))} rows/s`,
      );
      if (best === undefined || (measured.seconds ?? 0) < (best.seconds ?? 0)) best = measured;
    }
    return best as Measurement;
  }

  /** Between the first and the last row that can be seen. */
  async #toReplica(
    lane: Lane,
    backlog: Backlog,
    connectors: readonly Properties[],
    profile: SinkProfile,
  ): Promise<Measurement> {
    await using connect = await this.#connect(lane, profile, connectors);
    using meter = this.#meter();
    await this.#until(connect, 'the first row', async () => (await holdsOnReplica(lane, backlog.begun)) || undefined);
    meter.add('walsender', (await lookAtSlot(lane))?.pid);
    const { rows: backends } = await lane.replicaClient.query<{ pid: number }>(
      /* sql */ `select pid from pg_stat_activity where datname = $1 and pid <> pg_backend_pid() and application_name <> 'bench'`,
      [lane.name],
    );
    for (const { pid } of backends) meter.add('backend', pid);
    const begun = this.#begin(meter, connect);
    await this.#until(connect, 'the last row', async () => (await holdsOnReplica(lane, backlog.whole)) || undefined);
    const seconds = (performance.now() - begun) / 1000;
    const cpu = meter.seconds();
    const peak = peakBytes(connect.pid ?? 0) ?? 0;
    return { rows: backlog.changes, seconds, cpu, peakBytes: peak, profile, isEqual: await assertEqual(lane) };
  }

  async #connect(lane: Lane, name: string, connectors: readonly Properties[]): Promise<JavaProcess> {
    return await startConnect({
      jars: this.#jars,
      bootstrap: this.#bootstrap,
      registryUrl: this.#registry.url,
      directory: join(lane.directory, `connect-${name}`),
      connectors,
    });
  }

  #meter(): CpuMeter {
    const meter = new CpuMeter();
    meter.add('broker', this.#options.servers.brokerPid);
    return meter;
  }

  #begin(meter: CpuMeter, connect: JavaProcess): number {
    meter.add('connect', connect.pid);
    meter.reset();
    return performance.now();
  }

  async #until<T>(connect: JavaProcess, what: string, ask: () => Promise<T | undefined>): Promise<T> {
    return await until(ask, { what, everyMs: 25, assertAlive: connect.assertAlive, signal: this.#options.signal });
  }
}

function topicOf({ name, table }: Lane): string {
  return `${name}.public.${table}`;
}

const THROUGHPUT: Properties = {
  'max.batch.size': '8192',
  'max.queue.size': '65536',
  'poll.interval.ms': '20',
  'producer.override.linger.ms': '20',
  'producer.override.batch.size': '524288',
  'producer.override.buffer.memory': '134217728',
  'producer.override.compression.type': 'lz4',
  'snapshot.fetch.size': '20480',
};

function source({ name, table, source: at }: Lane, goal: Goal): Properties {
  return {
    name: `${name}-source`,
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'tasks.max': '1',
    'plugin.name': 'pgoutput',
    'database.hostname': at.host,
    'database.port': String(at.port),
    'database.user': at.user,
    'database.password': at.password ?? '',
    'database.dbname': at.database,
    'topic.prefix': name,
    'slot.name': name,
    'publication.name': name,
    'publication.autocreate.mode': 'disabled',
    'table.include.list': `public.${table}`,
    'snapshot.mode': 'no_data',
    ...(goal === 'throughput' ? THROUGHPUT : { 'poll.interval.ms': '5', 'producer.override.linger.ms': '0' }),
  };
}

function sink({ name, table, replica }: Lane, profile: SinkProfile, goal: Goal = 'throughput'): Properties {
  const isTuned = profile !== 'default';
  return {
    name: `${name}-sink-${profile}`,
    'connector.class': 'io.debezium.connector.jdbc.JdbcSinkConnector',
    'tasks.max': '1',
    topics: `${name}.public.${table}`,
    'connection.url': `jdbc:postgresql://${replica.host}:${replica.port}/${replica.database}`,
    'connection.username': replica.user,
    'connection.password': replica.password ?? '',
    'insert.mode': 'upsert',
    'delete.enabled': 'true',
    'primary.key.mode': 'record_key',
    'schema.evolution': 'none',
    'collection.name.format': '${source.table}',
    'consumer.override.auto.offset.reset': 'earliest',
    ...(isTuned && {
      'batch.size': '5000',
      'connection.pool.min_size': '1',
      'connection.pool.max_size': '4',
      'consumer.override.max.poll.records': '5000',
      'consumer.override.fetch.min.bytes': goal === 'latency' ? '1' : '1048576',
      'consumer.override.fetch.max.wait.ms': goal === 'latency' ? '10' : '50',
      'consumer.override.max.partition.fetch.bytes': '8388608',
    }),
    ...(profile === 'reduction' && { 'use.reduction.buffer': 'true' }),
  };
}
