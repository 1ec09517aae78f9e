import { expect, test } from 'vitest';
import { parseConnector } from '../support/connector.ts';
import type { PostgresSinkConfig } from '../../src/connector/postgres-sink.ts';
import type { PostgresWalConfig } from '../../src/connector/postgres-wal-source.ts';
import {
  postgresSinkSettings,
  batchCompression,
  recordBatchBytes,
  replayedPrefix,
  tableFilter,
  topicFilter,
  topicSettings,
  walSourceSettings,
} from '../../src/worker/settings.ts';

function source(config: Readonly<Record<string, string>> = {}): PostgresWalConfig {
  const base = { 'database.hostname': 'h', 'database.user': 'u', 'database.dbname': 'd', 'topic.prefix': 'p' };
  const file = parseConnector(
    's.json',
    JSON.stringify({ 'connector.class': 'PostgresWalSource', ...base, ...config }),
    {},
  );
  if (file.kind !== 'PostgresWalSource') throw new Error('Not a source');
  return file.config;
}

function sink(config: Readonly<Record<string, string>> = {}): PostgresSinkConfig {
  const base = { 'connection.url': 'postgres://u:old@h/d', 'topic.prefix': 'p' };
  const file = parseConnector('s.json', JSON.stringify({ 'connector.class': 'PostgresSink', ...base, ...config }), {});
  if (file.kind !== 'PostgresSink') throw new Error('Not a sink');
  return file.config;
}

test('a source connects as its file says', () => {
  const { connection, name, slotName } = walSourceSettings(
    'orders',
    source({ 'slot.name': 'x', 'database.sslcert': 'c.pem' }),
  );
  expect({ connection, name, slotName }).toEqual({
    connection: { host: 'h', port: 5432, database: 'd', user: 'u', sslmode: 'prefer', sslcert: 'c.pem' },
    name: 'orders',
    slotName: 'x',
  });
});

test('topics are created as the file says, or as the broker likes', () => {
  expect(topicSettings(source())).toEqual({ partitions: 1, config: {} });
  const given = source({
    'topic.creation.default.partitions': '3',
    'topic.creation.default.replication.factor': '2',
    'topic.creation.default.max.message.bytes': '5000',
  });
  expect(topicSettings(given)).toEqual({
    partitions: 3,
    replicationFactor: 2,
    config: { 'max.message.bytes': '5000' },
  });
  expect([recordBatchBytes(given), recordBatchBytes(source())]).toEqual([5000, 1_000_000]);
});

test('user and password of their own win over those in the URL', () => {
  const { connection } = postgresSinkSettings('s', sink({ 'connection.username': 'me', 'connection.password': 'new' }));
  expect(connection).toMatchObject({ user: 'me', password: 'new' });
  expect(postgresSinkSettings('s', sink()).connection).toMatchObject({ user: 'u', password: 'old' });
});

test('tables are created and evolved unless a file says otherwise', () => {
  const auto = (config: Readonly<Record<string, string>>): unknown[] => {
    const { autoCreate, autoEvolve } = postgresSinkSettings('s', sink(config));
    return [autoCreate, autoEvolve];
  };
  expect(auto({})).toEqual([true, true]);
  expect(auto({ 'schema.evolution': 'none' })).toEqual([false, false]);
  expect(auto({ 'schema.evolution': 'none', 'auto.evolve': 'true' })).toEqual([false, true]);
});

test('a sink replays all tables, listed topics, or topics that match', () => {
  expect(topicFilter(sink())).toBeUndefined();
  const listed = sink({ topics: 'p.public.a' });
  expect(replayedPrefix(listed)).toBe('p');
  expect(tableFilter(listed)?.({ schema: 'public', name: 'a' })).toBe(true);
  expect(tableFilter(listed)?.({ schema: 'public', name: 'ab' })).toBe(false);
  const matching = topicFilter(sink({ 'topics.regex': 'p\\.public\\..*, p\\.x\\.y' }));
  expect(['p.public.a', 'p.x.y', 'p.x.yz', 'q.public.a'].map((topic) => matching?.(topic))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test('a source compresses as its connector says, or else as the daemon', () => {
  const idOf = (own: 'none' | 'lz4' | undefined, daemon: 'none' | 'zstd'): number | undefined =>
    batchCompression({ compression: own }, { compression: daemon })?.id;
  expect([idOf(undefined, 'none'), idOf(undefined, 'zstd'), idOf('lz4', 'zstd'), idOf('none', 'zstd')]).toEqual([
    undefined,
    4,
    3,
    undefined,
  ]);
});
