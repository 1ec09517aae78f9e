import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import type { RegistryClientConfig } from './client-config.ts';
import { type CompressionName, SOURCE_COMPRESSION } from './compression-setting.ts';
import { SSL_MODES } from './connection-url.ts';
import type { Files } from './read-tls.ts';
import { completeRegistry, type RegistrySettings, registrySettings } from './registry-settings.ts';
import { choice, flag, integer, optional, patterns, remaining, type SettingsOf, secret, text } from './setting.ts';
import type { EventRouterConfig } from './event-router-options.ts';
import { completeOutbox, TRANSFORM_SETTINGS, type TransformSettings } from './transform-settings.ts';
import { VALUE_SETTINGS, type ValueSettings } from './value-settings.ts';

/** The source database, and the name under which its changes are published. */
export interface OriginSettings {
  readonly hostname: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  readonly sslmode: ConnectionSettings['sslmode'];
  readonly sslrootcert: string | undefined;
  readonly sslcert: string | undefined;
  readonly sslkey: string | undefined;
  readonly topicPrefix: string;
}

/** What is captured of the database. */
export interface ListSettings {
  readonly schemaInclude: readonly string[];
  readonly schemaExclude: readonly string[];
  readonly tableInclude: readonly string[];
  readonly tableExclude: readonly string[];
  readonly columnInclude: readonly string[];
  readonly columnExclude: readonly string[];
}

/** How changes become records and topics, whatever captures them. */
export interface PublishSettings extends ValueSettings, TransformSettings {
  readonly tombstonesOnDelete: boolean;
  readonly transactionMetadata: boolean;
  readonly maxBatchBytes: number;
  readonly topicPartitions: number;
  readonly topicReplicationFactor: number;
  /** Further settings of new table topics, by Kafka's names. */
  readonly topicConfig: Readonly<Record<string, string>>;
  /** What table topics are compressed with; undefined: what the daemon says. */
  readonly compression: CompressionName | undefined;
  readonly onIncompatible: 'fail' | 'force';
  readonly tasksMax: number;
}

/** What every source is told by its file. */
export interface SourceSettings extends OriginSettings, ListSettings, PublishSettings {}

/** The config of a source as far as it is the same for every kind. */
export interface SourceConfig extends SourceSettings {
  /** Where its schemas are registered; undefined: where the daemon says. */
  readonly registry: RegistryClientConfig | undefined;
  /** Which tables are outboxes, and what becomes of their rows; undefined: none. */
  readonly outbox: EventRouterConfig | undefined;
}

/** Names and defaults are Debezium's. */
export const ORIGIN_SETTINGS: SettingsOf<OriginSettings> = {
  hostname: text('database.hostname', {
    group: 'Connection',
    importance: 'high',
    doc: 'Host name or address of the server.',
  }),
  port: integer('database.port', 1, 65535, {
    importance: 'high',
    group: 'Connection',
    default: '5432',
    doc: 'Port of the server.',
  }),
  user: text('database.user', {
    group: 'Connection',
    importance: 'high',
    doc: 'Role to connect as; it needs SELECT on the captured tables.',
  }),
  password: optional(
    secret('database.password', {
      group: 'Connection',
      importance: 'high',
      doc: 'Password of the role; best as ${env:NAME} or ${file:path:key}.',
    }),
  ),
  database: text('database.dbname', {
    group: 'Connection',
    importance: 'high',
    doc: 'Database whose changes are captured.',
  }),
  sslmode: choice('database.sslmode', SSL_MODES, {
    group: 'Connection',
    default: 'prefer',
    doc: 'Whether TLS is used and what is verified, as libpq has it.',
  }),
  sslrootcert: optional(
    text('database.sslrootcert', { group: 'Connection', doc: 'File of the certificate authorities to trust.' }),
  ),
  sslcert: optional(text('database.sslcert', { group: 'Connection', doc: 'File of the client certificate.' })),
  sslkey: optional(text('database.sslkey', { group: 'Connection', doc: "File of the client certificate's key." })),
  topicPrefix: text('topic.prefix', {
    effect: 'never',
    group: 'Topics',
    importance: 'high',
    pattern: /^[A-Za-z0-9._-]{1,100}$/,
    rule: 'letters, digits, dots, dashes and underscores, at most 100',
    doc: 'Name of this source: the first part of all its topic names.',
  }),
};

/** Names and defaults are Debezium's. */
export const LIST_SETTINGS: SettingsOf<ListSettings> = {
  schemaInclude: patterns('schema.include.list', {
    group: 'Filters',
    doc: 'Schemas to capture: regular expressions for whole names, separated by commas. Empty: all.',
  }),
  schemaExclude: patterns('schema.exclude.list', {
    group: 'Filters',
    doc: 'Schemas not to capture: regular expressions for whole names, separated by commas.',
  }),
  tableInclude: patterns('table.include.list', {
    group: 'Filters',
    importance: 'high',
    doc: 'Tables to capture, as schema.table: regular expressions for whole names, separated by commas. Empty: all.',
  }),
  tableExclude: patterns('table.exclude.list', {
    group: 'Filters',
    doc: 'Tables not to capture, as schema.table: regular expressions for whole names, separated by commas.',
  }),
  columnInclude: patterns('column.include.list', {
    group: 'Filters',
    doc: 'Columns to capture, as schema.table.column: regular expressions for whole names, separated by commas. Empty: all. Keys always are captured.',
  }),
  columnExclude: patterns('column.exclude.list', {
    group: 'Filters',
    doc: 'Columns not to capture, as schema.table.column: regular expressions for whole names, separated by commas. Keys always are captured.',
  }),
};

/** Names and defaults are Debezium's and Connect's. */
export const PUBLISH_SETTINGS: SettingsOf<PublishSettings & RegistrySettings> = {
  tombstonesOnDelete: flag('tombstones.on.delete', {
    group: 'Records',
    default: 'true',
    doc: 'Follow every delete by a record without value, so that compacted topics forget the key.',
  }),
  transactionMetadata: flag('provide.transaction.metadata', {
    importance: 'low',
    group: 'Records',
    default: 'false',
    doc: 'Fill in the transaction block of every record. There is no transaction topic: checkpoints mark transactions.',
  }),
  maxBatchBytes: integer('max.batch.bytes', 65_536, 64 * 1024 * 1024, {
    importance: 'low',
    group: 'Records',
    default: String(4 * 1024 * 1024),
    doc: 'Bytes of row text that one batch may hold: bounds memory.',
  }),
  topicPartitions: integer('topic.creation.default.partitions', 1, 10_000, {
    effect: 'new topics',
    group: 'Topics',
    default: '1',
    doc: 'Partitions of a table topic when it is created.',
  }),
  topicReplicationFactor: integer('topic.creation.default.replication.factor', -1, 100, {
    effect: 'new topics',
    group: 'Topics',
    default: '-1',
    doc: "Copies of every record on the brokers; -1 is the broker's default.",
  }),
  topicConfig: remaining('topic.creation.default.', {
    effect: 'new topics',
    group: 'Topics',
    doc: "Further settings of a table topic when it is created, by Kafka's names: topic.creation.default.retention.ms.",
  }),
  compression: SOURCE_COMPRESSION,
  ...VALUE_SETTINGS,
  ...TRANSFORM_SETTINGS,
  onIncompatible: choice('schema.evolution.on.incompatible', ['fail', 'force'], {
    group: 'Schema registry',
    default: 'fail',
    doc: "What to do when a table has changed so that the compatibility level of its subject forbids the new schema: fail, with the difference; or force it, with the subject's level at NONE meanwhile.",
  }),
  ...registrySettings('value.converter.', 'restart'),
  tasksMax: integer('tasks.max', 1, 1000, {
    group: 'Common',
    importance: 'low',
    default: '1',
    doc: 'A source always has one task.',
  }),
};

/** What the settings that all sources have amount to together; problems, warnings and secrets are added to the lists. */
export function completeSource(
  settings: ListSettings & TransformSettings & RegistrySettings,
  problems: string[],
  warnings: string[],
  secrets: string[],
  files: Files,
): Pick<SourceConfig, 'registry' | 'outbox'> {
  const both = (kind: string, include: readonly string[], exclude: readonly string[]): void => {
    if (include.length > 0 && exclude.length > 0)
      problems.push(`${kind}.include.list and ${kind}.exclude.list exclude each other`);
  };
  both('schema', settings.schemaInclude, settings.schemaExclude);
  both('table', settings.tableInclude, settings.tableExclude);
  both('column', settings.columnInclude, settings.columnExclude);
  const outbox = completeOutbox(settings, problems, warnings);
  return { registry: completeRegistry(settings, 'value.converter.', problems, secrets, files), outbox };
}
