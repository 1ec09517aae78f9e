import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ConnectorFile, loadConnectors } from '../../src/connector/load-file.ts';
import { parseConnector } from '../support/connector.ts';

const SOURCE = {
  'connector.class': 'PostgresWalSource',
  'database.hostname': 'db',
  'database.user': 'rowcast',
  'database.password': 's3cret-word',
  'database.dbname': 'shop',
  'topic.prefix': 'shop',
};
const SINK = {
  'connector.class': 'PostgresSink',
  'connection.url': 'jdbc:postgresql://replica:6543/shop?sslmode=require',
  'connection.username': 'rowcast',
  'topic.prefix': 'shop',
};

function source(config: Record<string, unknown> = {}): ConnectorFile & { kind: 'PostgresWalSource' } {
  const file = parseConnector('c.json', JSON.stringify({ name: 'c', config: { ...SOURCE, ...config } }), {});
  if (file.kind !== 'PostgresWalSource') throw new Error('Not a source');
  return file;
}

function sink(config: Record<string, unknown> = {}): ConnectorFile & { kind: 'PostgresSink' } {
  const file = parseConnector('c.json', JSON.stringify({ name: 'c', config: { ...SINK, ...config } }), {});
  if (file.kind !== 'PostgresSink') throw new Error('Not a sink');
  return file;
}

describe('a source file', () => {
  test('needs little and has defaults for the rest', () => {
    const { config, warnings } = source();
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      hostname: 'db',
      port: 5432,
      sslmode: 'prefer',
      slot: 'rowcast',
      publicationAutocreate: 'filtered',
      snapshotMode: 'initial',
      tombstonesOnDelete: true,
      tableInclude: [],
    });
  });

  test('may say what its topics are compressed with, and nothing else of the producer', () => {
    const { config, warnings } = source({
      'producer.override.compression.type': 'LZ4',
      'producer.override.batch.size': '524288',
    });
    expect(config.compression).toBe('lz4');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('producer.override.batch.size has no effect');
    expect(source().config.compression).toBeUndefined();
    expect(() => source({ 'producer.override.compression.type': 'brotli' })).toThrow(
      'producer.override.compression.type must be one of: none, gzip, snappy, lz4, zstd',
    );
  });

  test('is understood under the class name of Debezium, with its default names', () => {
    const { config } = source({ 'connector.class': 'io.debezium.connector.postgresql.PostgresConnector' });
    expect([config.slot, config.publication, config.publicationAutocreate]).toEqual([
      'debezium',
      'dbz_publication',
      'all_tables',
    ]);
  });

  test('may be flat, with its name inside or from its file', () => {
    expect(parseConnector('dir/orders.json', JSON.stringify(SOURCE), {}).name).toBe('orders');
    expect(parseConnector('dir/orders.json', JSON.stringify({ ...SOURCE, name: 'mine' }), {}).name).toBe('mine');
  });

  test('splits lists at commas outside of brackets', () => {
    const { config } = source({ 'table.include.list': ' public\\.a{1,2} , public\\.(b|c),x\\,y ' });
    expect(config.tableInclude).toEqual(['public\\.a{1,2}', 'public\\.(b|c)', 'x,y']);
  });

  test('hands topic settings on under their own names', () => {
    const { config, warnings } = source({
      'topic.creation.default.partitions': 6,
      'topic.creation.default.retention.ms': '1000',
    });
    expect([config.topicPartitions, config.topicConfig, warnings]).toEqual([6, { 'retention.ms': '1000' }, []]);
  });

  test('warns about unknown keys and names the nearest known one', () => {
    expect(source({ 'slot.nam': 'x', zzz: '1' }).warnings).toEqual([
      'slot.nam is not a known setting; did you mean slot.name?',
      'zzz is not a known setting',
    ]);
  });

  test('warns about known keys that change nothing', () => {
    expect(source({ 'plugin.name': 'decoderbufs', 'max.queue.size': '10' }).warnings).toEqual([
      'plugin.name has no effect: pgoutput is always used',
      'max.queue.size has no effect: batches are bounded in bytes: max.batch.bytes',
    ]);
  });

  test('is refused when a key would be missed', () => {
    expect(() => source({ 'column.mask.with.8.chars': 'public.customers.email' })).toThrow(
      'c.json: column.mask.with.8.chars is not supported: values cannot be masked yet',
    );
    expect(() => source({ transforms: 'unwrap' })).toThrow('transforms is not supported');
  });

  test('keeps keys with the values that are the case anyway', () => {
    const avro = 'io.confluent.connect.avro.AvroConverter';
    expect(source({ 'skipped.operations': 'none', transforms: '', 'value.converter': avro }).warnings).toEqual([]);
    expect(() => source({ 'slot.drop.on.stop': 'true' })).toThrow('slot.drop.on.stop is not supported');
  });

  test('is warned that truncates are sent, where Debezium leaves them out', () => {
    const truncates = ['skipped.operations=t has no effect: truncates are sent too, because a replica needs them'];
    expect(source({ 'skipped.operations': 't' }).warnings).toEqual(truncates);
    const alias = { 'connector.class': 'io.debezium.connector.postgresql.PostgresConnector' };
    expect(source(alias).warnings).toEqual(truncates);
    expect(source({ ...alias, 'skipped.operations': 'none' }).warnings).toEqual([]);
    expect(() => source({ 'skipped.operations': 'd' })).toThrow('skipped.operations "d" is not supported');
  });

  test('is refused with all its problems at once', () => {
    const wrong = {
      'connector.class': 'PostgresWalSource',
      'database.user': 'rowcast',
      'database.dbname': '',
      'database.port': '70000',
      'topic.prefix': 'a b',
      'slot.name': 'Orders',
      'snapshot.mode': 'custom',
      'decimal.handling.mode': 'float',
      'time.precision.mode': 'structured',
      'unavailable.value.placeholder': 'hex:0',
      'tombstones.on.delete': 'maybe',
      'table.include.list': 'public.(',
      'message.key.columns': 'a:b',
    };
    expect(() => parseConnector('c.json', JSON.stringify(wrong), {})).toThrow(
      [
        'c.json: database.hostname is required',
        'c.json: database.port must be a whole number from 1 to 65535',
        'c.json: database.dbname must not be empty',
        'c.json: topic.prefix must be letters, digits, dots, dashes and underscores, at most 100',
        'c.json: slot.name must be lower-case letters, digits and underscores, at most 63',
        'c.json: table.include.list has an invalid regular expression: public.(',
        'c.json: snapshot.mode "custom" is not supported; supported: initial, initial_only, no_data, always, when_needed, configuration_based, never, schema_only',
        'c.json: tombstones.on.delete must be true or false',
        'c.json: decimal.handling.mode must be one of: precise, double, string',
        'c.json: time.precision.mode "structured" is not supported; supported: adaptive, adaptive_time_microseconds, connect, isostring, microseconds, nanoseconds',
        'c.json: unavailable.value.placeholder must be a text, or hex: and pairs of hexadecimal digits',
        'c.json: message.key.columns is not supported: keys are those of the tables',
      ].join('\n'),
    );
  });

  test('cannot include and exclude tables at once', () => {
    expect(() => source({ 'table.include.list': 'public.a', 'table.exclude.list': 'public.b' })).toThrow(
      'c.json: table.include.list and table.exclude.list exclude each other',
    );
  });
});

describe('a sink file', () => {
  test('takes its connection from a JDBC or a Postgres URL', () => {
    expect(sink().config.connection).toEqual({ host: 'replica', port: 6543, database: 'shop', sslmode: 'require' });
    const { config } = sink({ 'connection.url': 'postgres://a%40b:p%3Aw@[::1]/my%20db' });
    expect(config.connection).toEqual({
      host: '::1',
      port: 5432,
      database: 'my db',
      user: 'a@b',
      password: 'p:w',
      sslmode: 'prefer',
    });
  });

  test('never repeats a URL that it refuses', () => {
    for (const url of ['mysql://u:s3cret-word@h/d', 'postgres://u:s3cret-word@h', 's3cret-word']) {
      expect(() => sink({ 'connection.url': url })).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('s3cret-word') }),
      );
    }
  });

  test('finds its source by the topics that it names', () => {
    const { 'topic.prefix': _, ...rest } = SINK;
    const parse = (config: object): ConnectorFile =>
      parseConnector('c.json', JSON.stringify({ ...rest, ...config }), {});
    expect(parse({ topics: 'my.shop.public.a, my.shop.public.b' }).kind).toBe('PostgresSink');
    expect(() => parse({})).toThrow('topic.prefix is required');
    expect(() => parse({ topics: 'a.public.x,b.public.x' })).toThrow('topic.prefix is required');
  });

  test('under the class name of the JDBC sink must say what a replica needs', () => {
    const jdbc = { 'connector.class': 'io.debezium.connector.jdbc.JdbcSinkConnector' };
    expect(() => sink(jdbc)).toThrow(
      'c.json: insert.mode "insert" is not supported; supported: upsert\n' +
        'c.json: primary.key.mode "none" is not supported; supported: record_key',
    );
    const keyed = { ...jdbc, 'insert.mode': 'upsert', 'primary.key.mode': 'record_key' };
    const names = '${source.schema}.${source.table}';
    expect(() => sink({ ...keyed, 'table.name.format': '${topic}' })).toThrow(
      `collection.name.format must be ${names}`,
    );
    expect(() => sink(keyed)).toThrow('delete.enabled must be true');
    expect(() => sink({ ...keyed, 'truncate.enabled': 'false' })).toThrow('truncate.enabled must be true');
    const { config, warnings } = sink({ ...keyed, 'delete.enabled': 'true' });
    expect([config.schemaEvolution, config.autoCreate, config.truncateEnabled]).toEqual(['none', undefined, true]);
    expect(warnings).toEqual([
      expect.stringContaining('truncate.enabled is true here'),
      expect.stringContaining(`collection.name.format is ${names} here`),
    ]);
    expect(
      sink({ ...keyed, 'delete.enabled': 'true', 'truncate.enabled': 'true', 'table.name.format': names }).warnings,
    ).toEqual([]);
  });
});

describe('references', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'rowcast-test-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  test('are replaced by the environment and by files', () => {
    const secrets = join(directory, 'secrets.properties');
    writeFileSync(secrets, '# secrets\ndb.password = a=b c\n');
    const config = {
      ...SOURCE,
      'database.hostname': '${env:DB}.local',
      'database.password': `\${file:${secrets}:db.password}`,
    };
    const file = parseConnector('c.json', JSON.stringify(config), { DB: 'db7' });
    expect(file.config).toMatchObject({ hostname: 'db7.local', password: 'a=b c' });
  });

  test('that lead nowhere are named', () => {
    const config = {
      ...SOURCE,
      'database.hostname': '${env:NOWHERE}',
      'database.password': '${file:/does/not/exist:key}',
    };
    expect(() => parseConnector('c.json', JSON.stringify(config), {})).toThrow(
      'c.json: database.hostname refers to the environment variable NOWHERE, which is not set\n' +
        'c.json: database.password refers to the file /does/not/exist, which cannot be read',
    );
  });

  test('a directory is read whole, with the problems of all its files', () => {
    writeFileSync(join(directory, 'a.json'), '{"database.password": "s3cret-word", oops}');
    writeFileSync(
      join(directory, 'b.json'),
      JSON.stringify({ name: 'x', config: { 'connector.class': 'PostgresWalSorce' } }),
    );
    writeFileSync(join(directory, 'c.json'), JSON.stringify({ name: 'same', config: SOURCE }));
    writeFileSync(join(directory, 'd.json'), JSON.stringify({ name: 'same', config: SINK }));
    writeFileSync(join(directory, 'notes.txt'), 'not a connector');
    const load = (): unknown => loadConnectors(directory, {});
    expect(load).toThrow(/a\.json: is not JSON/);
    expect(load).toThrow(/b\.json: connector\.class PostgresWalSorce is not known; did you mean PostgresWalSource\?/);
    expect(load).toThrow(/d\.json: .*c\.json already has the name "same"/);
    expect(load).toThrow(expect.objectContaining({ message: expect.not.stringContaining('s3cret-word') }));
  });

  test('a directory without connector files is refused', () => {
    expect(() => loadConnectors(directory, {})).toThrow('has no connector files');
    expect(() => loadConnectors(join(directory, 'gone'), {})).toThrow('cannot be read');
  });
});

test('the connectors of the repository are usable as they are', () => {
  const names = ['HOST', 'PORT', 'USER', 'PASSWORD', 'DATABASE'];
  const env = Object.fromEntries(
    ['SHOP_SOURCE', 'SHOP_REPLICA'].flatMap((side) => names.map((name) => [`${side}_${name}`, '5432'])),
  );
  const connectors = loadConnectors(join(import.meta.dirname, '..', '..', 'connectors'), env);
  expect(connectors.map(({ name, kind, warnings }) => ({ name, kind, warnings }))).toEqual([
    { name: 'shop-replica', kind: 'PostgresSink', warnings: [] },
    { name: 'shop-source', kind: 'PostgresWalSource', warnings: [] },
  ]);
});
