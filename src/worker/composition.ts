import type { RegistryClientConfig } from '../connector/client-config.ts';
import type { SignalSettings } from '../connector/signal-settings.ts';
import type { SourceConfig } from '../connector/source-settings.ts';
import { type ConnectorFile, isSource, type SourceConnector } from '../connector/load-file.ts';
import { createAvroConverter } from '../converter/avro/avro-converter.ts';
import type { OnIncompatible, SchemaStore } from '../converter/converter.ts';
import { createHttpSchemaStore } from '../converter/registry/http-store.ts';
import { createLogSchemaStore } from '../converter/registry/log-store.ts';
import { OperatorError } from '../errors.ts';
import { openKafkaLog } from '../log/kafka/kafka-log.ts';
import type { Log } from '../log/log.ts';
import { NAMED_EVENTS } from '../observe/events.ts';
import type { Logger } from '../observe/logger.ts';
import { createPostgresSink } from '../sink/postgres/postgres-sink.ts';
import type { Source } from '../source/source.ts';
import { createTriggerSource } from '../source/trigger/trigger-source.ts';
import { createQuerySource } from '../source/query/query-source.ts';
import { createWalSource } from '../source/wal/wal-source.ts';
import { VERSION } from '../version.ts';
import { kafkaSettings } from './kafka-settings.ts';
import { schemaTopic } from './schema-topic.ts';
import {
  batchCompression,
  fieldModes,
  outboxSettings,
  postgresSinkSettings,
  querySourceSettings,
  recordBatchBytes,
  replayedPrefix,
  topicSettings,
  triggerSourceSettings,
  walSourceSettings,
} from './settings.ts';
import { signalHearer } from './signals/hear-signal.ts';
import { SignalFeed, type SignalFeedOptions } from './signals/signal-feed.ts';
import { createSinkTask } from './sink-task.ts';
import { createSourceTask } from './source-task.ts';
import type { SinkStatus, SourceStatus } from './status.ts';
import { systemClock } from './system-clock.ts';
import { thisProcess } from './this-process.ts';
import type { Task, TaskOrder } from './task.ts';
import { copyTeller } from './tell-copy.ts';

/** Opens a log for one run of a task. */
export type OpenLog = (signal: AbortSignal) => Promise<Log>;

/** Makes the task of one connector; `embedded` opens the log of a daemon without Kafka. */
export type MakeTask = (order: TaskOrder, embedded: OpenLog, logger: Logger) => Task;

type SinkConnector = Exclude<ConnectorFile, SourceConnector>;

/** A sink holds this many records of a backlog in one target transaction, whole checkpoints apart. */
const GROUP_RECORDS = 20_000;
const CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * Puts the task of one connector together: the one place that names implementations. Nothing is connected to before it runs, so that
 * what cannot be reached is a failure of its run, and tried again.
 */
export const makeTask: MakeTask = (order, embedded, logger) => {
  const { connector } = order;
  const open = logOf(order, embedded);
  if (isSource(connector)) return sourceTask(connector, order, open, logger);
  return sinkTask(connector, order, open, logger);
};

/** With Kafka every task has connections of its own, so that none waits for another's answers. */
function logOf({ connector: { name }, config: { kafka } }: TaskOrder, embedded: OpenLog): OpenLog {
  return kafka === undefined ? embedded : (signal) => openKafkaLog(kafkaSettings(kafka, name), signal);
}

function sourceTask(
  connector: SourceConnector,
  { daemon, memory, status, config: defaults }: TaskOrder,
  open: OpenLog,
  logger: Logger,
): Task {
  const { name, config } = connector;
  const { onIncompatible } = config;
  const external = externalStore(config.registry, defaults, onIncompatible);
  const origin = { version: VERSION, name: config.topicPrefix, database: config.database };
  const topics = topicSettings(config);
  const signals = new SignalFeed({
    connector: name,
    logger,
    clock: systemClock,
    ...('signalChannels' in config ? channelsOf(name, config, defaults) : NO_CHANNELS),
  });
  return createSourceTask({
    source: sourceOf(connector, logger),
    open: async (signal) => {
      const log = await open(signal);
      const store = external ?? logStore(log, topics.replicationFactor, onIncompatible);
      const { transactionMetadata: transactionBlock } = config;
      const options = { clock: systemClock, transactionBlock, modes: fieldModes(config) };
      return { log, converter: createAvroConverter(store, origin, options) };
    },
    loop: {
      clock: systemClock,
      prefix: config.topicPrefix,
      daemon,
      topics,
      tombstones: config.tombstonesOnDelete,
      recordBatchBytes: recordBatchBytes(config),
      compression: batchCompression(config, defaults),
      signals,
      outbox: outboxSettings(config),
      onLeftOut: (level, message, advice) =>
        logger[level](message, { connector: name, event: NAMED_EVENTS.leftOut, advice }),
      ...('recopy' in config && { recopy: config.recopy, copyDelayMs: config.snapshotDelayMs }),
      onCopyAgain: (reason) => logger.warn('copying everything again', { connector: name, reason }),
      onCopied: copyTeller(logger, name, systemClock),
    },
    memory,
    status: status as SourceStatus,
  });
}

function sourceOf(connector: SourceConnector, logger: Logger): Source {
  const { name } = connector;
  const warn = (message: string, advice: string): void =>
    logger.warn(message, { connector: name, event: NAMED_EVENTS.noticed, advice });
  switch (connector.kind) {
    case 'PostgresWalSource': {
      const settings = walSourceSettings(name, connector.config);
      return createWalSource(settings, systemClock, warn, signalHearer(logger, name));
    }
    case 'PostgresTriggerSource':
      return createTriggerSource(triggerSourceSettings(name, connector.config), systemClock, warn);
    case 'PostgresQuerySource':
      return createQuerySource(querySourceSettings(name, connector.config), systemClock, warn);
    default:
      return connector satisfies never;
  }
}

/** Copies are asked for over REST, which every source hears. */
const NO_CHANNELS = { topic: undefined, file: undefined, intervalMs: 5_000 } as const;

/** Which channels of signals a source has. Throws OperatorError for a topic without Kafka, which nobody could write to. */
function channelsOf(
  name: string,
  {
    signalChannels,
    signalTopic,
    signalPollTimeoutMs,
    signalFile,
    signalPollIntervalMs,
    topicPrefix,
  }: SignalSettings & Pick<SourceConfig, 'topicPrefix'>,
  { kafka }: TaskOrder['config'],
): Pick<SignalFeedOptions, 'topic' | 'file' | 'intervalMs'> {
  if (signalChannels.includes('kafka') && kafka === undefined) {
    throw new OperatorError(`Connector "${name}" is to read signals from Kafka, but this daemon has none`, {
      advice: 'Take kafka out of signal.enabled.channels: a table (source), a file, or REST take signals too.',
    });
  }
  const topic = signalTopic ?? `${topicPrefix}-signal`;
  return {
    topic: signalChannels.includes('kafka')
      ? { topic, key: topicPrefix, pollTimeoutMs: signalPollTimeoutMs }
      : undefined,
    file: signalChannels.includes('file') ? signalFile : undefined,
    intervalMs: signalPollIntervalMs,
  };
}

function sinkTask(
  { name, config }: SinkConnector,
  { daemon, status, config: defaults }: TaskOrder,
  open: OpenLog,
  logger: Logger,
): Task {
  const life = { owner: { daemon, ...thisProcess() }, hasClaimed: false };
  const external = externalStore(config.registry, defaults);
  const warn = (message: string, advice: string): void =>
    logger.warn(message, { connector: name, event: NAMED_EVENTS.noticed, advice });
  const prefix = replayedPrefix(config);
  const origin = { version: VERSION, name: prefix, database: '' };
  return createSinkTask({
    createSink: () => createPostgresSink(postgresSinkSettings(name, config), warn, life),
    open: async (signal) => {
      const log = await open(signal);
      const store = external ?? logStore(log);
      return { log, converter: createAvroConverter(store, origin, { clock: systemClock, transactionBlock: false }) };
    },
    loop: {
      clock: systemClock,
      prefix,
      filter: { topics: config.topics, topicsRegex: config.topicsRegex },
      fetchBytes: config.maxFetchBytes,
      chunkBytes: CHUNK_BYTES,
      groupRecords: GROUP_RECORDS,
    },
    status: status as SinkStatus,
  });
}

/** The registry that the connector names, or else the daemon; undefined: the one that the log keeps. */
function externalStore(
  own: RegistryClientConfig | undefined,
  config: TaskOrder['config'],
  onIncompatible?: OnIncompatible,
): SchemaStore | undefined {
  const more = onIncompatible && { onIncompatible };
  if (own !== undefined) return createHttpSchemaStore(own, { prefix: 'value.converter.schema.registry.', ...more });
  return config.registry && createHttpSchemaStore(config.registry, more);
}

function logStore(log: Log, replicationFactor?: number, onIncompatible?: OnIncompatible): SchemaStore {
  return createLogSchemaStore(
    schemaTopic(log, () => systemClock.now(), replicationFactor),
    onIncompatible,
  );
}
