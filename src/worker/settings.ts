import { sinkConnection, sourceConnection } from '../connector/connection-of.ts';
import { type PostgresSinkConfig, prefixOf } from '../connector/postgres-sink.ts';
import type { PostgresQueryConfig } from '../connector/postgres-query-source.ts';
import type { PostgresTriggerConfig } from '../connector/postgres-trigger-source.ts';
import type { PostgresWalConfig } from '../connector/postgres-wal-source.ts';
import type { PublishSettings, SourceConfig } from '../connector/source-settings.ts';
import { placeholderBytes } from '../connector/value-settings.ts';
import type { FieldModes } from '../converter/avro/modes.ts';
import type { BatchCompression } from '../log/batch-compression.ts';
import { compressionOf } from '../log/compression/compression.ts';
import { DEFAULT_MAX_BATCH_BYTES } from '../log/record-set.ts';
import type { OutboxSettings } from '../pipeline/outbox/outbox-settings.ts';
import { compileTopicFilter, selectionOf } from '../pipeline/topic-filter.ts';
import type { TopicSettings } from '../pipeline/topics.ts';
import type { PostgresSinkSettings } from '../sink/postgres/settings.ts';
import { type CaptureLists, compileNames } from '../source/capture/filter.ts';
import type { QuerySourceSettings } from '../source/query/settings.ts';
import type { TriggerSourceSettings } from '../source/trigger/settings.ts';
import type { WalSourceSettings } from '../source/wal/settings.ts';
import type { WorkerConfig } from './worker-config.ts';

/** What the WAL source is told, from its connector's config. */
export function walSourceSettings(name: string, config: PostgresWalConfig): WalSourceSettings {
  return {
    connection: sourceConnection(config),
    name,
    slotName: config.slot,
    publicationName: config.publication,
    publicationAutocreateMode: config.publicationAutocreate,
    ...listsOf(config),
    snapshotMode: config.snapshotMode,
    outlivesLoss: config.recopy !== 'never',
    snapshotTables: config.snapshotTables,
    snapshotConditions: config.snapshotConditions,
    snapshotThreads: config.snapshotThreads,
    sequenceInclude: config.sequenceInclude,
    sequenceSyncIntervalMs: config.sequenceSyncIntervalMs,
    snapshotChunkBytes: config.snapshotChunkBytes,
    incrementalChunkRows: config.incrementalChunkRows,
    ...(config.signalChannels.includes('source') && { signalTable: config.signalTable }),
    maxBatchBytes: config.maxBatchBytes,
    statusIntervalMs: config.statusIntervalMs,
  };
}

/** What the trigger source is told, from its connector's config. */
export function triggerSourceSettings(name: string, config: PostgresTriggerConfig): TriggerSourceSettings {
  return {
    connection: sourceConnection(config),
    name,
    triggerName: config.triggerName,
    autocreateMode: config.triggerAutocreate,
    ...listsOf(config),
    snapshotMode: config.snapshotMode,
    snapshotTables: config.snapshotTables,
    snapshotConditions: config.snapshotConditions,
    snapshotThreads: config.snapshotThreads,
    snapshotChunkBytes: config.snapshotChunkBytes,
    maxBatchBytes: config.maxBatchBytes,
    pollIntervalMs: config.pollIntervalMs,
    retentionDays: config.retentionDays,
  };
}

/** What the query source is told, from its connector's config. */
export function querySourceSettings(name: string, config: PostgresQueryConfig): QuerySourceSettings {
  const { queryText, queryName, queryKey, deletes } = config;
  const [schema = '', table = ''] = queryName.split('.');
  return {
    connection: sourceConnection(config),
    name,
    mode: config.mode,
    incrementingColumn: config.incrementingColumn,
    timestampColumns: config.timestampColumns,
    timestampDelayMs: config.timestampDelayMs,
    pollIntervalMs: config.pollIntervalMs,
    query: queryText === undefined ? undefined : { sql: queryText, schema, name: table, key: queryKey },
    keyColumns: config.keyColumns,
    deletes: deletes === 'keys' ? 'keys' : 'ignore',
    keyMemoryBytes: config.keyMemoryBytes,
    ...listsOf(config),
    maxBatchBytes: config.maxBatchBytes,
  };
}

/** Which tables and columns a source captures. */
function listsOf(config: SourceConfig): CaptureLists {
  const { schemaInclude, schemaExclude, tableInclude, tableExclude, columnInclude, columnExclude } = config;
  return { schemaInclude, schemaExclude, tableInclude, tableExclude, columnInclude, columnExclude };
}

/** How a source's topics are created. */
export function topicSettings(config: PublishSettings): TopicSettings {
  const { topicPartitions: partitions, topicReplicationFactor: replicationFactor, topicConfig } = config;
  return { partitions, config: topicConfig, ...(replicationFactor > 0 ? { replicationFactor } : {}) };
}

/** How a source writes values, from its connector's config. */
export function fieldModes(config: PublishSettings): FieldModes {
  return {
    decimal: config.decimalHandling,
    time: config.timePrecision,
    interval: config.intervalHandling,
    binary: config.binaryHandling,
    hstore: config.hstoreHandling,
    moneyDigits: config.moneyDigits,
    schemaNames: config.schemaNames === 'avro_unicode' ? 'avro_unicode' : 'avro',
    fieldNames: config.fieldNames === 'avro_unicode' ? 'avro_unicode' : 'avro',
    placeholder: placeholderBytes(config.placeholder),
  };
}

/** Which tables of a source are outboxes, and how their rows become events; undefined: none. */
export function outboxSettings({
  outbox,
  topicPrefix,
  ...config
}: Pick<SourceConfig, 'outbox' | 'topicPrefix'> & { readonly signalTopic?: string | undefined }):
  | OutboxSettings
  | undefined {
  if (outbox === undefined) return undefined;
  const { tables, ...rest } = outbox;
  const isNamed = tables.length === 0 ? () => true : compileNames(tables);
  return {
    ...rest,
    isOutbox: ({ schema, name }) => isNamed(`${schema}.${name}`),
    reserved: [config.signalTopic ?? `${topicPrefix}-signal`],
  };
}

/** How large a record batch may become: what Kafka's brokers take by default, or what the topics are told to take if that is less. */
export function recordBatchBytes({ topicConfig }: PublishSettings): number {
  const limit = Number(topicConfig['max.message.bytes'] ?? DEFAULT_MAX_BATCH_BYTES);
  return Math.min(DEFAULT_MAX_BATCH_BYTES, Number.isFinite(limit) ? limit : DEFAULT_MAX_BATCH_BYTES);
}

/** What a source compresses table topics with: what its connector says, or else the daemon. Undefined: they are not compressed. */
export function batchCompression(
  { compression }: Pick<PublishSettings, 'compression'>,
  daemon: Pick<WorkerConfig, 'compression'>,
): BatchCompression | undefined {
  return compressionOf(compression ?? daemon.compression);
}

/** What the Postgres sink is told, from its connector's config. */
export function postgresSinkSettings(name: string, config: PostgresSinkConfig): PostgresSinkSettings {
  const evolves = config.schemaEvolution === 'basic';
  return {
    connection: sinkConnection(config),
    name,
    prefix: replayedPrefix(config),
    autoCreate: config.autoCreate ?? evolves,
    autoEvolve: config.autoEvolve ?? evolves,
    createExtensions: config.createExtensions,
    onExisting: config.targetNotEmpty,
    ddlReplay: config.ddlReplay,
  };
}

/** The `topic.prefix` that a sink replays. */
export function replayedPrefix(config: PostgresSinkConfig): string {
  return config.topicPrefix ?? prefixOf(config.topics) ?? '';
}

/** Which table topics a sink replays; undefined means all of its source. */
export function topicFilter(config: PostgresSinkConfig): ((topic: string) => boolean) | undefined {
  return compileTopicFilter(config);
}

/** The same choice by table, for changes that name tables instead of topics. */
export function tableFilter(
  config: PostgresSinkConfig,
): ((table: { readonly schema: string; readonly name: string }) => boolean) | undefined {
  return selectionOf(replayedPrefix(config), config).accepts;
}
