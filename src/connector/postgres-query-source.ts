import { IGNORED_BY_QUERY_SOURCES, UNSUPPORTED_BY_QUERY_SOURCES } from './confluent-keys.ts';
import { parseConnectionUrl, type UrlConnection } from './connection-url.ts';
import type { Completed, ConnectorClass } from './connector-class.ts';
import { HARMLESS_TO_ALL, RENAMED_BY_ALL } from './debezium-keys.ts';
import { POLL_SETTINGS, type PollSettings } from './query-settings.ts';
import type { Files } from './read-tls.ts';
import type { RegistrySettings } from './registry-settings.ts';
import { declare, optional, type Setting } from './setting.ts';
import {
  completeSource,
  LIST_SETTINGS,
  ORIGIN_SETTINGS,
  type OriginSettings,
  PUBLISH_SETTINGS,
  type SourceConfig,
  type SourceSettings,
} from './source-settings.ts';

/** What a PostgresQuerySource is told by its file. Names follow Confluent's JDBC source, and else the WAL source. */
export type PostgresQueryConfig = SourceConfig & Omit<PollSettings, 'whitelist' | 'blacklist'>;

/** Where the database is may be said in a URL. */
type Place = Pick<OriginSettings, 'hostname' | 'user' | 'database'>;
type QuerySettings = Omit<SourceSettings, keyof Place> &
  PollSettings & { readonly [K in keyof Place]: Place[K] | undefined } & { readonly url: UrlConnection | undefined };

/** Captures rows by polling tables, views or a query, with no right but SELECT. */
export const POSTGRES_QUERY_SOURCE: ConnectorClass<QuerySettings & RegistrySettings, PostgresQueryConfig> = {
  name: 'PostgresQuerySource',
  kind: 'source',
  doc: 'Captures the rows of a Postgres database by polling: needs nothing but SELECT, also on a standby. Deleted rows are found if asked for; of several changes between two polls the last one is seen.',
  settings: {
    url: optional(url('connection.url')),
    ...ORIGIN_SETTINGS,
    hostname: optional(ORIGIN_SETTINGS.hostname),
    user: optional(ORIGIN_SETTINGS.user),
    database: optional(ORIGIN_SETTINGS.database),
    ...POLL_SETTINGS,
    ...LIST_SETTINGS,
    ...PUBLISH_SETTINGS,
  },
  aliases: { 'io.confluent.connect.jdbc.JdbcSourceConnector': {} },
  renamed: {
    'connection.user': 'database.user',
    'connection.password': 'database.password',
    'schema.pattern': 'schema.include.list',
    ...RENAMED_BY_ALL,
  },
  ignored: IGNORED_BY_QUERY_SOURCES,
  unsupported: UNSUPPORTED_BY_QUERY_SOURCES,
  harmless: { 'errors.tolerance': ['none'], 'query.suffix': [''], ...HARMLESS_TO_ALL },
  complete,
};

function url(key: string): Setting<UrlConnection> {
  return declare(
    key,
    'STRING',
    {
      group: 'Connection',
      importance: 'high',
      doc: 'Where the database is: jdbc:postgresql://host:port/database or postgres://user@host:port/database; instead of database.hostname and the rest.',
    },
    parseConnectionUrl,
  );
}

function complete(
  settings: QuerySettings & RegistrySettings,
  given: ReadonlySet<string>,
  files: Files,
): Completed<PostgresQueryConfig> {
  const problems: string[] = [];
  const secrets: string[] = [];
  const warnings = settings.url?.warnings?.map((each) => `connection.url ${each}`) ?? [];
  const lists = { ...settings, ...tableLists(settings, problems) };
  const common = completeSource(lists, problems, warnings, secrets, files);
  const place = placeOf(settings, given, problems);
  judgeColumns(settings, problems, warnings);
  const { url: _, whitelist: __, blacklist: ___, ...rest } = lists;
  const config = place && { ...rest, ...place, ...common };
  return { config, problems, warnings, secrets };
}

/** The database as the URL or the settings have it. */
function placeOf(
  settings: QuerySettings,
  given: ReadonlySet<string>,
  problems: string[],
): Omit<OriginSettings, 'topicPrefix'> | undefined {
  const { url: from, hostname = from?.host, database = from?.database, user = from?.user } = settings;
  if (from !== undefined) {
    const both = ['database.hostname', 'database.port', 'database.dbname'].filter((key) => given.has(key));
    if (both.length > 0) problems.push(`${both.join(' and ')} and connection.url exclude each other`);
  }
  if (hostname === undefined) problems.push('database.hostname is required, or connection.url');
  if (hostname !== undefined && database === undefined) problems.push('database.dbname is required');
  if (user === undefined) problems.push('database.user is required, or a user in connection.url');
  if (hostname === undefined || database === undefined || user === undefined) return undefined;
  return {
    hostname,
    database,
    user,
    port: from?.port ?? settings.port,
    password: settings.password ?? from?.password,
    sslmode: given.has('database.sslmode') ? settings.sslmode : (from?.sslmode ?? settings.sslmode),
    sslrootcert: settings.sslrootcert ?? from?.sslrootcert,
    sslcert: settings.sslcert ?? from?.sslcert,
    sslkey: settings.sslkey ?? from?.sslkey,
  };
}

/** Lists of names as lists of expressions for whole names. */
function tableLists(
  { whitelist, blacklist, tableInclude, tableExclude }: QuerySettings,
  problems: string[],
): Pick<SourceSettings, 'tableInclude' | 'tableExclude'> {
  const either = (
    names: readonly string[],
    key: string,
    patterns: readonly string[],
    other: string,
  ): readonly string[] => {
    if (names.length > 0 && patterns.length > 0) problems.push(`${key} and ${other} exclude each other`);
    return names.length > 0 ? names.map(asPattern) : patterns;
  };
  return {
    tableInclude: either(whitelist, 'table.whitelist', tableInclude, 'table.include.list'),
    tableExclude: either(blacklist, 'table.blacklist', tableExclude, 'table.exclude.list'),
  };
}

function asPattern(name: string): string {
  const escaped = name.replaceAll(/["]/g, '').replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return name.includes('.') ? escaped : `[^.]+\\.${escaped}`;
}

function judgeColumns(settings: QuerySettings, problems: string[], warnings: string[]): void {
  const { mode, queryText, queryKey, incrementingColumn, timestampColumns, tableInclude, whitelist } = settings;
  if (queryText === undefined) return;
  if (tableInclude.length > 0 || whitelist.length > 0) problems.push('query and lists of tables exclude each other');
  if (mode === 'xid') problems.push('mode must be another than xid for a query: its rows have no transaction ids');
  if (mode !== 'bulk' && queryKey.length === 0)
    problems.push('query.key.columns is required: rows that are read again could not be told from new ones');
  if (mode.includes('incrementing') && incrementingColumn === undefined)
    problems.push(`incrementing.column.name is required for mode=${mode} and a query`);
  if (mode.includes('timestamp') && timestampColumns.length === 0)
    problems.push(`timestamp.column.name is required for mode=${mode} and a query`);
  if (mode !== 'bulk') warnings.push('query is read as well as can be: rows that commit late may be missed');
  if (/;\s*$/.test(queryText)) problems.push('query must not end with a semicolon');
}
