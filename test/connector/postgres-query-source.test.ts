import { expect, test } from 'vitest';
import { sourceConnection } from '../../src/connector/connection-of.ts';
import { judgeOtherKeys, parseConfig } from '../../src/connector/parse-config.ts';
import { POSTGRES_QUERY_SOURCE } from '../../src/connector/postgres-query-source.ts';

const JDBC = {
  'connector.class': 'io.confluent.connect.jdbc.JdbcSourceConnector',
  'connection.url': 'jdbc:postgresql://db.example:5433/shop?sslmode=require',
  'connection.user': 'reader',
  'connection.password': 'secret',
  mode: 'timestamp',
  'timestamp.column.name': 'updated_at, created_at',
  'table.whitelist': 'orders, audit.log',
  'topic.prefix': 'shop',
};

function parse(raw: Readonly<Record<string, string>>): ReturnType<typeof parseConfig<unknown>> {
  return parseConfig(POSTGRES_QUERY_SOURCE, raw, {});
}

test("a file of Confluent's JDBC source says where, what and how to poll", () => {
  const { config, problems, warnings, secrets } = parseConfig(POSTGRES_QUERY_SOURCE, JDBC, {});
  expect([problems, warnings]).toEqual([[], []]);
  expect(config && sourceConnection(config)).toEqual({
    host: 'db.example',
    port: 5433,
    database: 'shop',
    user: 'reader',
    password: 'secret',
    sslmode: 'require',
  });
  expect(config?.timestampColumns).toEqual(['updated_at', 'created_at']);
  expect(config?.tableInclude).toEqual(['[^.]+\\.orders', 'audit\\.log']);
  expect(secrets).toContain('secret');
});

test('the database may also be told as to other sources', () => {
  const { 'connection.url': _, 'connection.user': __, 'connection.password': ___, ...rest } = JDBC;
  const named = { ...rest, 'database.hostname': 'h', 'database.dbname': 'd', 'database.user': 'u' };
  const { config, problems } = parseConfig(POSTGRES_QUERY_SOURCE, named, {});
  expect(problems).toEqual([]);
  expect(config && sourceConnection(config)).toMatchObject({ host: 'h', port: 5432, database: 'd', user: 'u' });
  expect(parse(rest).problems).toEqual([
    'database.hostname is required, or connection.url',
    'database.user is required, or a user in connection.url',
  ]);
  expect(parse({ ...JDBC, 'database.hostname': 'h' }).problems).toEqual([
    'database.hostname and connection.url exclude each other',
  ]);
});

test('a query needs what its rows are read and told apart by', () => {
  const { 'table.whitelist': _, ...rest } = JDBC;
  expect(parse({ ...rest, query: 'select 1;', mode: 'incrementing' }).problems).toEqual([
    'query.key.columns is required: rows that are read again could not be told from new ones',
    'incrementing.column.name is required for mode=incrementing and a query',
    'query must not end with a semicolon',
  ]);
  expect(parse({ ...rest, query: 'select 1', mode: 'xid', 'query.key.columns': 'id' }).problems).toEqual([
    'mode must be another than xid for a query: its rows have no transaction ids',
  ]);
  const told = parse({ ...rest, query: 'select 1', 'query.key.columns': 'id' });
  expect(told.problems).toEqual([]);
  expect(told.warnings.join()).toContain('query is read as well as can be');
});

test('keys of views are told by their names', () => {
  const views = { ...JDBC, 'key.columns': 'public.a:x, y ; s.b:z' };
  expect(parseConfig(POSTGRES_QUERY_SOURCE, views, {}).config?.keyColumns).toEqual([
    { tables: 'public.a', columns: ['x', 'y'] },
    { tables: 's.b', columns: ['z'] },
  ]);
  expect(parse({ ...JDBC, 'key.columns': 'public.a' }).problems).toEqual([
    'key.columns must be view:column,column;view:column',
  ]);
});

const KEYS = `connection.url connection.user connection.password connection.attempts connection.backoff.ms mode incrementing.column.name
  incrementing.column.mapping timestamp.column.name timestamp.columns.mapping timestamp.initial timestamp.delay.interval.ms
  timestamp.granularity validate.non.null poll.interval.ms batch.max.rows poll.linger.ms max.buffer.size table.whitelist table.blacklist
  table.include.list table.exclude.list schema.pattern catalog.pattern table.types table.poll.interval.ms
  table.monitoring.startup.polling.limit.ms query query.masked query.suffix query.retry.attempts numeric.mapping
  numeric.precision.mapping db.timezone transaction.isolation.mode quote.sql.identifiers dialect.name topic.prefix
  date.calendar.system timestamp.precision.mode trim.sensitive.log topic.creation.default.partitions topic.creation.groups`;

test("every key of Confluent's JDBC source is known", () => {
  const raw = Object.fromEntries(KEYS.split(/\s+/).map((key) => [key, 'x']));
  const { warnings } = judgeOtherKeys(POSTGRES_QUERY_SOURCE, raw);
  expect(warnings.filter((warning) => warning.includes('not a known setting'))).toEqual([]);
});
