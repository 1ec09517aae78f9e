import type { ConnectorFile } from '../connector/load-file.ts';
import type { PostgresSinkConfig } from '../connector/postgres-sink.ts';
import type { PostgresWalConfig } from '../connector/postgres-wal-source.ts';
import type { Clock } from '../clock.ts';
import { createAvroConverter } from '../converter/avro/avro-converter.ts';
import type { Converter, EnvelopeOrigin } from '../converter/converter.ts';
import { createLogSchemaStore } from '../converter/registry/log-store.ts';
import type { Log } from '../log/log.ts';
import type { Logger } from '../observe/logger.ts';
import { createPostgresSink } from '../sink/postgres/postgres-sink.ts';
import type { Sink } from '../sink/sink.ts';
import { createWalSource } from '../source/wal/wal-source.ts';
import { VERSION } from '../version.ts';
import { daemonId } from './daemon-id.ts';
import { LagMeter } from './lag-meter.ts';
import { embeddedLogs, kafkaLogs, type Logs } from './open-logs.ts';
import { schemaTopic } from './schema-topic.ts';
import {
  postgresSinkSettings,
  recordBatchBytes,
  replayedPrefix,
  tableFilter,
  topicFilter,
  topicSettings,
  walSourceSettings,
} from './settings.ts';
import { createSinkTask } from './sink-task.ts';
import { createSourceTask } from './source-task.ts';
import type { ConnectorStatus } from './status.ts';
import { systemClock } from './system-clock.ts';
import { type Task, Worker } from './worker.ts';

export interface DaemonOptions {
  readonly connectors: readonly ConnectorFile[];
  /** Where this daemon keeps its id, and the log when there is no Kafka. */
  readonly state: string;
  /** Kafka's brokers, separated by commas; absent: the embedded log. */
  readonly bootstrapServers?: string;
  /** Take the connectors over from another daemon, once. */
  readonly takeOver?: boolean;
  readonly logger: Logger;
}

/** The running whole: connectors over one log. Disposing of it, after `run` has ended, closes what it opened. */
export interface Daemon extends AsyncDisposable {
  /** Runs every connector until `signal` aborts, or all have ended; their failures are in their statuses. */
  run(signal: AbortSignal): Promise<void>;
  statuses(): readonly ConnectorStatus[];
}

/** A sink holds this many records of a backlog in one target transaction, whole checkpoints apart. */
const GROUP_RECORDS = 20_000;
const CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * Puts a daemon together: the one place that names implementations. Throws OperatorError when the state directory, the log or
 * Kafka cannot be used.
 */
export async function openDaemon(options: DaemonOptions, signal: AbortSignal): Promise<Daemon> {
  const { connectors, logger, state } = options;
  const daemon = daemonId(state);
  const logs = options.bootstrapServers ? kafkaLogs(options.bootstrapServers, signal) : await embeddedLogs(state);
  const sinks: Sink[] = [];
  try {
    for (const { name, warnings } of connectors) {
      for (const setting of warnings) logger.warn('setting ignored', { connector: name, setting });
    }
    const tasks = await makeTasks(options, daemon, logs, sinks);
    const worker = new Worker({ tasks, clock: systemClock, logger });
    logger.info('daemon started', { daemon, version: VERSION, connectors: connectors.length });
    return {
      run: (abort) => worker.run(abort),
      statuses: () => worker.statuses(),
      [Symbol.asyncDispose]: () => close(sinks, logs),
    };
  } catch (error) {
    await close(sinks, logs);
    throw error;
  }
}

async function close(sinks: readonly Sink[], logs: Logs): Promise<void> {
  for (const sink of sinks.toReversed()) await sink[Symbol.asyncDispose]();
  await logs[Symbol.asyncDispose]();
}

async function makeTasks(options: DaemonOptions, daemon: string, logs: Logs, sinks: Sink[]): Promise<readonly Task[]> {
  const lags = new Map<string, LagMeter>();
  const lagOf = (prefix: string): LagMeter => {
    const lag = lags.get(prefix) ?? new LagMeter(() => systemClock.now());
    lags.set(prefix, lag);
    return lag;
  };
  const tasks: Task[] = [];
  for (const connector of options.connectors) {
    const { name } = connector;
    const log = await logs.forTask(name);
    if (connector.kind === 'PostgresWalSource') {
      const { config } = connector;
      tasks.push(sourceTask(options, name, config, log, daemon, lagOf(config.topicPrefix)));
    } else {
      const { config } = connector;
      const sink = createPostgresSink(postgresSinkSettings(name, config));
      sinks.push(sink);
      tasks.push(sinkTask(name, config, sink, log, lagOf(replayedPrefix(config))));
    }
  }
  return tasks;
}

function sourceTask(
  { logger, takeOver = false }: DaemonOptions,
  name: string,
  config: PostgresWalConfig,
  log: Log,
  daemon: string,
  lag: LagMeter,
): Task {
  const origin = { version: VERSION, name: config.topicPrefix, database: config.database };
  const topics = topicSettings(config);
  const parts = {
    source: createWalSource(walSourceSettings(name, config), systemClock, (message, advice) =>
      logger.warn(message, { connector: name, advice }),
    ),
    log,
    converter: converter(log, origin, systemClock, config.transactionMetadata, topics.replicationFactor),
    clock: systemClock,
    daemon,
    topics,
    recordBatchBytes: recordBatchBytes(config),
  };
  return createSourceTask({ name, config, parts, takeOver, lag });
}

function sinkTask(name: string, config: PostgresSinkConfig, sink: Sink, log: Log, lag: LagMeter): Task {
  const prefix = replayedPrefix(config);
  const parts = {
    sink,
    log,
    converter: converter(log, { version: VERSION, name: prefix, database: '' }, systemClock),
    clock: systemClock,
    prefix,
    accepts: tableFilter(config),
    acceptsTopic: topicFilter(config),
    fetchBytes: config.maxFetchBytes,
    chunkBytes: CHUNK_BYTES,
    groupRecords: GROUP_RECORDS,
  };
  return createSinkTask({ name, parts, lag });
}

function converter(
  log: Log,
  origin: EnvelopeOrigin,
  clock: Clock,
  transactionBlock: boolean = false,
  replicationFactor?: number,
): Converter {
  const store = createLogSchemaStore(schemaTopic(log, () => clock.now(), replicationFactor));
  return createAvroConverter(store, origin, { clock, transactionBlock });
}
