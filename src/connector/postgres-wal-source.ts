import type { Completed, ConnectorClass } from './connector-class.ts';
import { HARMLESS_TO_CHANGES, IGNORED_BY_SOURCES, RENAMED_BY_ALL, UNSUPPORTED_BY_SOURCES } from './debezium-keys.ts';
import type { Files } from './read-tls.ts';
import type { RegistrySettings } from './registry-settings.ts';
import { choice, integer, patterns, text } from './setting.ts';
import { SIGNAL_SETTINGS, type SignalSettings } from './signal-settings.ts';
import {
  completeSnapshot,
  SNAPSHOT_SETTINGS,
  type SnapshotConfig,
  type SnapshotSettings,
} from './snapshot-settings.ts';
import {
  completeSource,
  LIST_SETTINGS,
  ORIGIN_SETTINGS,
  PUBLISH_SETTINGS,
  type SourceConfig,
  type SourceSettings,
} from './source-settings.ts';

/** What a PostgresWalSource is told by its file. Names follow Debezium's; the doc of each is in `POSTGRES_WAL_SOURCE.settings`. */
export type PostgresWalConfig = Omit<PostgresWalSettings, keyof SnapshotSettings> & SnapshotConfig & SourceConfig;

interface PostgresWalSettings extends SourceSettings, SnapshotSettings, SignalSettings {
  readonly slot: string;
  readonly publication: string;
  readonly publicationAutocreate: 'filtered' | 'all_tables' | 'disabled' | 'no_tables';
  readonly sequenceInclude: readonly string[];
  readonly sequenceSyncIntervalMs: number;
  readonly heartbeatIntervalMs: number;
  readonly statusIntervalMs: number;
  readonly skippedOperations: 'none' | 't';
  readonly slotWatchIntervalMs: number;
  readonly slotBudgetBytes: number;
  readonly slotBudgetPolicy: 'warn' | 'drop';
}

const IDENTIFIER = { pattern: /^[^\0]{1,63}$/, rule: 'a name of at most 63 characters' };

/** Captures row changes from Postgres's WAL through a logical replication slot. */
export const POSTGRES_WAL_SOURCE: ConnectorClass<PostgresWalSettings & RegistrySettings, PostgresWalConfig> = {
  name: 'PostgresWalSource',
  kind: 'source',
  doc: 'Captures row changes of a Postgres database from its WAL, after a consistent copy of the tables.',
  settings: {
    ...ORIGIN_SETTINGS,
    user: {
      ...ORIGIN_SETTINGS.user,
      doc: 'Role to connect as; it needs REPLICATION and SELECT on the captured tables.',
    },
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
    ...LIST_SETTINGS,
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
    slotWatchIntervalMs: integer('slot.watch.interval.ms', 0, 3_600_000, {
      group: 'Replication',
      importance: 'low',
      default: '5000',
      doc: 'How often the daemon looks at the slot, on a connection of its own: what WAL it keeps, how fast that grows, and what holds it back. 0: never.',
    }),
    slotBudgetBytes: integer('slot.budget.bytes', 0, 2 ** 50, {
      group: 'Replication',
      default: '0',
      doc: "How much WAL the slot may keep on the server. It is warned of from half of it on, and earlier when it grows fast. 0: as much as the server's max_slot_wal_keep_size allows; where that says nothing either, it is warned of from 10 GB on.",
    }),
    slotBudgetPolicy: choice('slot.budget.policy', ['warn', 'drop'], {
      group: 'Replication',
      default: 'warn',
      doc: "What becomes of a slot that keeps more than slot.budget.bytes. warn: nothing but words. drop: it is dropped, so that the server's disk does not fill, and the connector stands as failed until everything is copied again. There is no policy that only stops the connector: a slot that nobody reads keeps all the more.",
    }),
    ...PUBLISH_SETTINGS,
    skippedOperations: choice('skipped.operations', ['none', 't'], {
      group: 'Records',
      importance: 'low',
      default: 'none',
      foreseen: ['c', 'u', 'd'],
      doc: 'Accepted for compatibility: every operation is sent, truncates too, because a replica needs them.',
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
    ...HARMLESS_TO_CHANGES,
  },
  complete,
};

function complete(
  settings: PostgresWalSettings & RegistrySettings,
  _given: ReadonlySet<string>,
  files: Files,
): Completed<PostgresWalConfig> {
  const problems: string[] = [];
  const warnings: string[] = [];
  const secrets: string[] = [];
  const common = completeSource(settings, problems, warnings, secrets, files);
  const snapshot = completeSnapshot(settings, problems, warnings);
  if (settings.slotBudgetPolicy === 'drop' && settings.slotBudgetBytes === 0) {
    problems.push('slot.budget.policy=drop needs slot.budget.bytes: nothing says how much is too much');
  }
  if (settings.slotBudgetPolicy === 'drop' && settings.slotWatchIntervalMs === 0) {
    problems.push('slot.budget.policy=drop needs slot.watch.interval.ms above 0: nobody would see it');
  }
  if (settings.skippedOperations === 't') {
    warnings.push('skipped.operations=t has no effect: truncates are sent too, because a replica needs them');
  }
  return { config: { ...settings, ...snapshot, ...common }, problems, warnings, secrets };
}
