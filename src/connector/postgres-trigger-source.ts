import type { Completed, ConnectorClass } from './connector-class.ts';
import { HARMLESS_TO_CHANGES, IGNORED_BY_SOURCES, RENAMED_BY_ALL, UNSUPPORTED_BY_SOURCES } from './debezium-keys.ts';
import type { Files } from './read-tls.ts';
import type { RegistrySettings } from './registry-settings.ts';
import { choice, integer, text } from './setting.ts';
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

/** What a PostgresTriggerSource is told by its file. */
export type PostgresTriggerConfig = Omit<PostgresTriggerSettings, keyof SnapshotSettings> &
  Omit<SnapshotConfig, 'snapshotMode'> &
  SourceConfig & { readonly snapshotMode: 'initial' | 'no_data' };

interface PostgresTriggerSettings extends SourceSettings, SnapshotSettings, SignalSettings {
  readonly triggerName: string;
  readonly triggerAutocreate: 'filtered' | 'disabled';
  readonly pollIntervalMs: number;
  readonly retentionDays: number;
}

const TRIGGERS = 'Triggers';
const { 'poll.interval.ms': _, ...IGNORED } = IGNORED_BY_SOURCES;

/** Captures row changes of a Postgres database by triggers, where its WAL cannot be read. */
export const POSTGRES_TRIGGER_SOURCE: ConnectorClass<
  PostgresTriggerSettings & RegistrySettings,
  PostgresTriggerConfig
> = {
  name: 'PostgresTriggerSource',
  kind: 'source',
  doc: 'Captures row changes of a Postgres database by triggers that write them into a table, after a consistent copy of the tables.',
  settings: {
    ...ORIGIN_SETTINGS,
    user: {
      ...ORIGIN_SETTINGS.user,
      doc: 'Role to connect as; it needs SELECT on the captured tables, and to own them if it is to make the triggers.',
    },
    triggerName: text('trigger.name', {
      importance: 'high',
      effect: 'never',
      group: TRIGGERS,
      default: 'rowcast',
      pattern: /^[a-z0-9_]{1,40}$/,
      rule: 'lower-case letters, digits and underscores, at most 40',
      doc: 'Name of the triggers (!rowcast_<name>) and of what they write into (rowcast.events_<name>). Two connectors of one database need two.',
    }),
    triggerAutocreate: choice('trigger.autocreate.mode', ['filtered', 'disabled'], {
      group: TRIGGERS,
      importance: 'high',
      default: 'filtered',
      doc: 'filtered: exactly the captured tables have triggers, made and dropped by the connector; disabled: somebody else runs the SQL that "rowcast check --install-triggers" prints.',
    }),
    pollIntervalMs: integer('poll.interval.ms', 10, 60_000, {
      group: TRIGGERS,
      importance: 'low',
      default: '1000',
      doc: 'How often an idle connector looks for events that nobody has notified it of.',
    }),
    retentionDays: integer('events.retention.days', 0, 36_500, {
      group: TRIGGERS,
      importance: 'low',
      default: '0',
      doc: 'For how many days captured events are kept once the log has them, in rowcast.kept_<name> with a partition for each day (UTC); 0: they are deleted.',
    }),
    ...LIST_SETTINGS,
    ...SNAPSHOT_SETTINGS,
    ...SIGNAL_SETTINGS,
    ...PUBLISH_SETTINGS,
  },
  aliases: {},
  renamed: { 'database.server.name': 'topic.prefix', ...RENAMED_BY_ALL },
  ignored: IGNORED,
  unsupported: {
    ...UNSUPPORTED_BY_SOURCES,
    'slot.*': 'there is no slot: triggers capture',
    'publication.*': 'there is no publication: triggers capture',
    'sequence.*': 'where sequences stand is not sent by triggers',
  },
  harmless: HARMLESS_TO_CHANGES,
  complete,
};

function complete(
  settings: PostgresTriggerSettings & RegistrySettings,
  _given: ReadonlySet<string>,
  files: Files,
): Completed<PostgresTriggerConfig> {
  const problems: string[] = [];
  const warnings: string[] = [];
  const secrets: string[] = [];
  const common = completeSource(settings, problems, warnings, secrets, files);
  const { snapshotMode, ...snapshot } = completeSnapshot(settings, problems, warnings);
  if (snapshotMode === 'initial_only') {
    problems.push('snapshot.mode initial_only is for WAL sources: triggers that nobody reads would fill the disk');
  }
  if (settings.signalTable !== undefined) {
    problems.push('signal.data.collection is for WAL sources: send signals by REST, a file or Kafka');
  }
  const mode = snapshotMode === 'no_data' ? 'no_data' : 'initial';
  return {
    config: { ...settings, ...snapshot, snapshotMode: mode, ...common },
    problems,
    warnings,
    secrets,
  };
}
