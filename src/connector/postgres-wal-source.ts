import { SSL_MODES } from './connection-url.ts';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import type { RegistryClientConfig } from './client-config.ts';
import { type CompressionName, SOURCE_COMPRESSION } from './compression-setting.ts';
import type { Completed, ConnectorClass } from './connector-class.ts';
import { HARMLESS_TO_ALL, IGNORED_BY_SOURCES, RENAMED_BY_ALL, UNSUPPORTED_BY_SOURCES } from './debezium-keys.ts';
import type { Files } from './read-tls.ts';
import { completeRegistry, type RegistrySettings, registrySettings } from './registry-settings.ts';
import { SIGNAL_SETTINGS, type SignalSettings } from './signal-settings.ts';
import {
  completeSnapshot,
  SNAPSHOT_SETTINGS,
  type SnapshotConfig,
  type SnapshotSettings,
} from './snapshot-settings.ts';
import { choice, flag, integer, optional, patterns, remaining, secret, text } from './setting.ts';
import { VALUE_SETTINGS, type ValueSettings } from './value-settings.ts';

/** What a PostgresWalSource is told by its file. Names follow Debezium's; the doc of each is in `POSTGRES_WAL_SOURCE.settings`. */
export interface PostgresWalConfig extends Omit<PostgresWalSettings, keyof SnapshotSettings>, SnapshotConfig {
  /** Where its schemas are registered; undefined: where the daemon says. */
  readonly registry: RegistryClientConfig | undefined;
}

interface PostgresWalSettings extends SnapshotSettings, SignalSettings, ValueSettings {
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
  readonly slot: string;
  readonly publication: string;
  readonly publicationAutocreate: 'filtered' | 'all_tables' | 'disabled' | 'no_tables';
  readonly schemaInclude: readonly string[];
  readonly schemaExclude: readonly string[];
  readonly tableInclude: readonly string[];
  readonly tableExclude: readonly string[];
  readonly columnInclude: readonly string[];
  readonly columnExclude: readonly string[];
  readonly sequenceInclude: readonly string[];
  readonly sequenceSyncIntervalMs: number;
  readonly tombstonesOnDelete: boolean;
  readonly heartbeatIntervalMs: number;
  readonly statusIntervalMs: number;
  readonly transactionMetadata: boolean;
  readonly maxBatchBytes: number;
  readonly topicPartitions: number;
  readonly topicReplicationFactor: number;
  /** Further settings of new table topics, by Kafka's names. */
  readonly topicConfig: Readonly<Record<string, string>>;
  /** What table topics are compressed with; undefined: what the daemon says. */
  readonly compression: CompressionName | undefined;
  readonly onIncompatible: 'fail' | 'force';
  readonly skippedOperations: 'none' | 't';
  readonly tasksMax: number;
}

const IDENTIFIER = { pattern: /^[^\0]{1,63}$/, rule: 'a name of at most 63 characters' };

/** Captures row changes from Postgres's WAL through a logical replication slot. */
export const POSTGRES_WAL_SOURCE: ConnectorClass<PostgresWalSettings & RegistrySettings, PostgresWalConfig> = {
  name: 'PostgresWalSource',
  kind: 'source',
  doc: 'Captures row changes of a Postgres database from its WAL, after a consistent copy of the tables.',
  settings: {
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
      doc: 'Role to connect as; it needs REPLICATION and SELECT on the captured tables.',
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
    slot: text('slot.name', {
      importance: 'high',
      effect: 'never',
      group: 'Replication',
      default: 'rowcast',
      pattern: /^[a-z0-9_]{1,63}$/,
      rule: 'lower-case letters, digits and underscores, at most 63',
      doc: 'Replication slot; created when it does not exist.',
    }),
    publication: text('publication.name', {
      importance: 'high',
      effect: 'never',
      group: 'Replication',
      default: 'rowcast',
      ...IDENTIFIER,
      doc: 'Publication that names the captured tables.',
    }),
    publicationAutocreate: choice('publication.autocreate.mode', ['filtered', 'all_tables', 'disabled', 'no_tables'], {
      group: 'Replication',
      default: 'filtered',
      doc: 'filtered: publish exactly the captured tables; all_tables: create it for all tables (needs a superuser); disabled: it must exist; no_tables: create it empty.',
    }),
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
    ...SNAPSHOT_SETTINGS,
    ...SIGNAL_SETTINGS,
    sequenceInclude: patterns('sequence.include.list', {
      group: 'Filters',
      doc: 'Sequences to synchronise besides those that captured columns draw from, as schema.sequence: regular expressions for whole names, separated by commas.',
    }),
    sequenceSyncIntervalMs: integer('sequence.sync.interval.ms', 0, 86_400_000, {
      group: 'Replication',
      default: '0',
      doc: 'How often the states of sequences that have moved are sent, so that replicas can be written to at any time; 0: only when asked for, before a cut-over.',
    }),
    tombstonesOnDelete: flag('tombstones.on.delete', {
      group: 'Records',
      default: 'true',
      doc: 'Follow every delete by a record without value, so that compacted topics forget the key.',
    }),
    heartbeatIntervalMs: integer('heartbeat.interval.ms', 0, 86_400_000, {
      importance: 'low',
      group: 'Replication',
      default: '0',
      doc: 'Accepted for compatibility: an idle source moves its slot by itself, whatever this says.',
    }),
    statusIntervalMs: integer('status.update.interval.ms', 100, 3_600_000, {
      importance: 'low',
      group: 'Replication',
      default: '10000',
      doc: 'How often the server hears which position is stored, when nothing else makes it hear.',
    }),
    transactionMetadata: flag('provide.transaction.metadata', {
      importance: 'low',
      group: 'Records',
      default: 'false',
      doc: 'Fill in the transaction block of every record. There is no transaction topic: checkpoints mark transactions.',
    }),
    maxBatchBytes: integer('max.batch.bytes', 65_536, 64 * 1024 * 1024, {
      importance: 'low',
      group: 'Replication',
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
    skippedOperations: choice('skipped.operations', ['none', 't'], {
      group: 'Records',
      importance: 'low',
      default: 'none',
      foreseen: ['c', 'u', 'd'],
      doc: 'Accepted for compatibility: every operation is sent, truncates too, because a replica needs them.',
    }),
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
  },
  aliases: {
    'io.debezium.connector.postgresql.PostgresConnector': {
      'slot.name': 'debezium',
      'publication.name': 'dbz_publication',
      'publication.autocreate.mode': 'all_tables',
      'skipped.operations': 't',
      'interval.handling.mode': 'numeric',
      'schema.name.adjustment.mode': 'none',
      'field.name.adjustment.mode': 'none',
    },
  },
  renamed: { 'database.server.name': 'topic.prefix', ...RENAMED_BY_ALL },
  ignored: IGNORED_BY_SOURCES,
  unsupported: UNSUPPORTED_BY_SOURCES,
  harmless: {
    'slot.drop.on.stop': ['false'],
    'slot.failover': ['false'],
    'publish.via.partition.root': ['true'],
    'topic.delimiter': ['.'],
    'errors.tolerance': ['none'],
    'topic.naming.strategy': ['io.debezium.schema.SchemaTopicNamingStrategy'],
    'skip.messages.without.change': ['false'],
    'event.processing.failure.handling.mode': ['fail'],
    ...HARMLESS_TO_ALL,
  },
  complete,
};

function complete(
  settings: PostgresWalSettings & RegistrySettings,
  _given: ReadonlySet<string>,
  files: Files,
): Completed<PostgresWalConfig> {
  const problems = contradictions(settings);
  const warnings: string[] = [];
  const secrets: string[] = [];
  const registry = completeRegistry(settings, 'value.converter.', problems, secrets, files);
  const snapshot = completeSnapshot(settings, problems, warnings);
  if (settings.skippedOperations === 't') {
    warnings.push('skipped.operations=t has no effect: truncates are sent too, because a replica needs them');
  }
  return { config: { ...settings, ...snapshot, registry }, problems, warnings, secrets };
}

function contradictions(config: PostgresWalSettings): string[] {
  const problems: string[] = [];
  const both = (kind: string, include: readonly string[], exclude: readonly string[]): void => {
    if (include.length > 0 && exclude.length > 0)
      problems.push(`${kind}.include.list and ${kind}.exclude.list exclude each other`);
  };
  both('schema', config.schemaInclude, config.schemaExclude);
  both('table', config.tableInclude, config.tableExclude);
  both('column', config.columnInclude, config.columnExclude);
  return problems;
}
