import { DDL_KINDS, DDL_TEXT_KINDS, type DdlKind } from '../change/ddl.ts';
import { OperatorError } from '../errors.ts';
import type { RegistryClientConfig } from './client-config.ts';
import type { Completed, ConnectorClass } from './connector-class.ts';
import { parseConnectionUrl, type UrlConnection } from './connection-url.ts';
import { HARMLESS_TO_ALL, IGNORED_BY_SINKS, RENAMED_BY_ALL, UNSUPPORTED_BY_SINKS } from './debezium-keys.ts';
import type { Files } from './read-tls.ts';
import { completeRegistry, type RegistrySettings, registrySettings } from './registry-settings.ts';
import {
  choice,
  declare,
  flag,
  integer,
  list,
  optional,
  patterns,
  type Setting,
  type SettingSpec,
  secret,
  text,
} from './setting.ts';

/** What a PostgresSink is told by its file. Names follow Debezium's JDBC sink; the doc of each is in `POSTGRES_SINK.settings`. */
export interface PostgresSinkConfig extends PostgresSinkSettings {
  /** Where the schemas of its records are looked up; undefined: where the daemon says. */
  readonly registry: RegistryClientConfig | undefined;
}

interface PostgresSinkSettings {
  readonly connection: UrlConnection;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly topicPrefix: string | undefined;
  readonly topics: readonly string[];
  readonly topicsRegex: readonly string[];
  readonly insertMode: 'upsert';
  readonly primaryKeyMode: 'record_key';
  readonly deleteEnabled: boolean;
  readonly truncateEnabled: boolean;
  readonly collectionNameFormat: typeof NAMES_OF_THE_SOURCE;
  readonly schemaEvolution: 'none' | 'basic';
  readonly autoCreate: boolean | undefined;
  readonly autoEvolve: boolean | undefined;
  readonly createExtensions: boolean;
  readonly ddlReplay: readonly DdlKind[];
  readonly targetNotEmpty: 'refuse' | 'truncate' | 'adopt';
  readonly maxFetchBytes: number;
  readonly tasksMax: number;
}

const NAMES_OF_THE_SOURCE = '${source.schema}.${source.table}';

/** Keeps a Postgres database equal to a source: whole source transactions, exactly once. */
export const POSTGRES_SINK: ConnectorClass<PostgresSinkSettings & RegistrySettings, PostgresSinkConfig> = {
  name: 'PostgresSink',
  kind: 'sink',
  doc: 'Keeps a Postgres database equal to a source, whole transactions and exactly once.',
  settings: {
    connection: url('connection.url', {
      group: 'Connection',
      importance: 'high',
      doc: 'Where the replica is: jdbc:postgresql://host:port/database or postgres://user@host:port/database.',
    }),
    user: optional(
      text('connection.username', {
        group: 'Connection',
        importance: 'high',
        doc: 'Role to write as, unless the URL names it.',
      }),
    ),
    password: optional(
      secret('connection.password', {
        group: 'Connection',
        importance: 'high',
        doc: 'Password of the role; best as ${env:NAME} or ${file:path:key}.',
      }),
    ),
    topicPrefix: optional(
      text('topic.prefix', {
        effect: 'never',
        group: 'Topics',
        importance: 'high',
        pattern: /^[A-Za-z0-9._-]{1,100}$/,
        rule: 'letters, digits, dots, dashes and underscores, at most 100',
        doc: 'Which source to replay: its topic.prefix. Found from topics when those are given.',
      }),
    ),
    topics: list('topics', {
      group: 'Topics',
      doc: 'Table topics to replay; all of the source when neither this nor topics.regex is given.',
    }),
    topicsRegex: patterns('topics.regex', {
      group: 'Topics',
      doc: 'Regular expressions that a table topic must match to be replayed.',
    }),
    insertMode: choice('insert.mode', ['upsert'], {
      importance: 'low',
      group: 'Writes',
      default: 'upsert',
      foreseen: ['insert', 'update'],
      doc: 'What becomes of a row: a replica has the row as it is on the source.',
    }),
    primaryKeyMode: choice('primary.key.mode', ['record_key'], {
      importance: 'low',
      group: 'Writes',
      default: 'record_key',
      foreseen: ['none', 'kafka', 'record_value', 'record_header'],
      doc: "Which columns identify a row: the source table's own key.",
    }),
    deleteEnabled: flag('delete.enabled', {
      importance: 'low',
      group: 'Writes',
      default: 'true',
      doc: 'Whether deletes are replayed; a replica needs them.',
    }),
    truncateEnabled: flag('truncate.enabled', {
      group: 'Writes',
      importance: 'low',
      default: 'true',
      doc: 'Whether truncates are replayed; a replica needs them.',
    }),
    collectionNameFormat: tableNames('collection.name.format', {
      group: 'Tables',
      importance: 'low',
      default: NAMES_OF_THE_SOURCE,
      doc: 'Names of the tables: those that they have on the source.',
    }),
    schemaEvolution: choice('schema.evolution', ['basic', 'none'], {
      group: 'Tables',
      default: 'basic',
      foreseen: ['validate-only'],
      doc: 'basic: create missing tables and add missing columns; none: neither. auto.create and auto.evolve say it one by one.',
    }),
    autoCreate: optional(
      flag('auto.create', { group: 'Tables', doc: "Create missing tables with the source's own types." }),
    ),
    autoEvolve: optional(
      flag('auto.evolve', { group: 'Tables', doc: 'Follow columns that the source adds, renames, retypes or drops.' }),
    ),
    createExtensions: flag('auto.create.extensions', {
      group: 'Tables',
      importance: 'low',
      default: 'false',
      doc: "Create extensions that types of the source's columns belong to, with `create extension`; else the sink stops and names the extension.",
    }),
    ddlReplay: kinds('ddl.replay', {
      group: 'Tables',
      default: DDL_KINDS.join(','),
      doc: `Which DDL of the source is replayed, where DDL replication is set up (docs/ddl.md): some of ${DDL_KINDS.join(', ')}, ${DDL_TEXT_KINDS.join(', ')}; or none. views and functions run the source's text on the replica.`,
    }),
    targetNotEmpty: choice('target.not.empty', ['refuse', 'truncate', 'adopt'], {
      group: 'Tables',
      default: 'refuse',
      doc: 'What to do when the first copy finds rows in a table of the replica. refuse: stop; truncate: remove them; adopt: compare them with the copy, tell how many were equal, and keep those that were not in a table of schema rowcast.',
    }),
    maxFetchBytes: integer('max.fetch.bytes', 65_536, 1024 * 1024 * 1024, {
      importance: 'low',
      group: 'Topics',
      default: String(4 * 1024 * 1024),
      doc: 'Bytes of records that are read from the log at once: bounds memory.',
    }),
    ...registrySettings('value.converter.', 'restart'),
    tasksMax: integer('tasks.max', 1, 1000, {
      group: 'Common',
      importance: 'low',
      default: '1',
      doc: 'A consistent replica is written by one task.',
    }),
  },
  aliases: {
    'io.debezium.connector.jdbc.JdbcSinkConnector': {
      'insert.mode': 'insert',
      'primary.key.mode': 'none',
      'delete.enabled': 'false',
      'schema.evolution': 'none',
    },
  },
  instead: {
    'io.debezium.connector.jdbc.JdbcSinkConnector': {
      'truncate.enabled': 'is true here: a replica follows truncates; say so in the file',
      'collection.name.format': `is ${NAMES_OF_THE_SOURCE} here: tables have the names that they have on the source, not those of topics; say so in the file`,
    },
  },
  renamed: {
    'connection.user': 'connection.username',
    'table.name.format': 'collection.name.format',
    ...RENAMED_BY_ALL,
  },
  ignored: IGNORED_BY_SINKS,
  unsupported: UNSUPPORTED_BY_SINKS,
  harmless: { 'errors.tolerance': ['none'], 'errors.deadletterqueue.topic.name': [''], ...HARMLESS_TO_ALL },
  complete,
};

function url(key: string, spec: SettingSpec): Setting<UrlConnection> {
  return declare(key, 'STRING', spec, parseConnectionUrl);
}

function kinds(key: string, spec: SettingSpec): Setting<readonly DdlKind[]> {
  return declare(key, 'LIST', spec, (value) => {
    if (value.trim() === 'none') return [];
    return value.split(',').map((name) => {
      const all: readonly DdlKind[] = [...DDL_KINDS, ...DDL_TEXT_KINDS];
      const kind = all.find((each) => each === name.trim());
      if (kind === undefined) throw new OperatorError(`must be none, or some of ${all.join(', ')}`);
      return kind;
    });
  });
}

function tableNames(key: string, spec: SettingSpec): Setting<typeof NAMES_OF_THE_SOURCE> {
  const setting = declare(key, 'STRING', spec, (value): typeof NAMES_OF_THE_SOURCE => {
    if (value === NAMES_OF_THE_SOURCE) return value;
    throw new OperatorError(`must be ${NAMES_OF_THE_SOURCE}: tables have the names that they have on the source`);
  });
  return { ...setting, choices: [NAMES_OF_THE_SOURCE] };
}

function complete(
  settings: PostgresSinkSettings & RegistrySettings,
  given: ReadonlySet<string>,
  files: Files,
): Completed<PostgresSinkConfig> {
  const problems = contradictions(settings, given);
  const secrets: string[] = [];
  const registry = completeRegistry(settings, 'value.converter.', problems, secrets, files);
  const { warnings = [], ...connection } = settings.connection;
  const told = warnings.map((each) => `connection.url ${each}`);
  return { config: { ...settings, connection, registry }, problems, warnings: told, secrets };
}

function contradictions(config: PostgresSinkSettings, given: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  if (given.has('topics') && given.has('topics.regex')) problems.push('topics and topics.regex exclude each other');
  if (config.user === undefined && config.connection.user === undefined)
    problems.push('connection.username is required');
  if (!config.deleteEnabled) problems.push('delete.enabled must be true: a replica without deletes is none');
  if (!config.truncateEnabled) problems.push('truncate.enabled must be true: a replica follows truncates');
  if (config.topicPrefix === undefined && prefixOf(config.topics) === undefined) {
    problems.push('topic.prefix is required: it says which source to replay');
  }
  return problems;
}

/** `prefix` of topics named `<prefix>.<schema>.<table>`, when they all have the same. */
export function prefixOf(topics: readonly string[]): string | undefined {
  const prefixes = new Set(topics.map((topic) => topic.split('.').slice(0, -2).join('.')));
  const [only] = prefixes;
  return prefixes.size === 1 && only !== '' ? only : undefined;
}
