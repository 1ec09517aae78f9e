import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { beforeAll, describe, expect, test } from 'vitest';
import { referenceFiles } from '../../src/cli/reference.ts';
import { CONNECTOR_CLASSES } from '../../src/connector/connector-classes.ts';
import { settingsOf } from '../../src/connector/read-settings.ts';

const root = join(import.meta.dirname, '..', '..');
const files = referenceFiles();

// `npm run docs` runs this test with --update, which writes the files.
test.each(Object.keys(files))('%s is what the declaration gives', async (path) => {
  await expect(files[path]).toMatchFileSnapshot(join(root, path));
});

test.each(CONNECTOR_CLASSES)('the page of $name has every setting', (declaration) => {
  const page = Object.values(files).find((text) => text.startsWith(`# ${declaration.name}\n`)) ?? '';
  const keys = settingsOf(declaration).map(([, { key }]) => key);
  expect(keys.filter((key) => !page.includes(`| \`${key}\` |`))).toEqual([]);
});

test.each(CONNECTOR_CLASSES)('no key of $name is declared twice', (declaration) => {
  const keys = [
    ...settingsOf(declaration).map(([, { key }]) => key),
    ...[declaration.ignored, declaration.unsupported, declaration.renamed].flatMap(Object.keys),
  ];
  expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
});

describe('the schema of connector files', () => {
  let isValid: ValidateFunction;
  beforeAll(() => {
    isValid = new Ajv({ strict: false, allErrors: true }).compile(
      JSON.parse(files['schema/connector.schema.json'] ?? ''),
    );
  });

  const source = {
    'connector.class': 'PostgresWalSource',
    'database.hostname': 'h',
    'database.user': 'u',
    'database.dbname': 'd',
    'topic.prefix': 'p',
  };
  const sink = { 'connector.class': 'PostgresSink', 'connection.url': 'postgres://u@h/d', 'topic.prefix': 'p' };

  const judge = (file: unknown): readonly unknown[] => {
    isValid(file);
    return (isValid.errors ?? []).map(
      ({ message, params }) => (params as { additionalProperty?: string }).additionalProperty ?? message,
    );
  };

  test('accepts the connectors of the repository', () => {
    const directory = join(root, 'connectors');
    const names = readdirSync(directory).filter((name) => name.endsWith('.json'));
    expect(names.length).toBeGreaterThan(1);
    for (const name of names) expect(judge(JSON.parse(readFileSync(join(directory, name), 'utf8')))).toEqual([]);
  });

  test('accepts both shapes, aliases, references, numbers and keys that have no effect', () => {
    expect(judge({ $schema: 's', name: 'n', config: source })).toEqual([]);
    expect(judge({ $schema: 's', name: 'n', ...sink })).toEqual([]);
    const debezium = {
      ...source,
      'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
      'database.port': 5432,
      'database.password': '${file:secrets.properties:password}',
      'database.sslmode': '${env:MODE}',
      'tombstones.on.delete': false,
      'plugin.name': 'pgoutput',
      'producer.override.linger.ms': '5',
      'topic.creation.default.retention.ms': '1',
      'slot.drop.on.stop': 'false',
      transforms: '',
      'key.converter': 'io.confluent.connect.avro.AvroConverter',
      'key.converter.schema.registry.url': 'http://registry',
      'value.converter.schema.registry.url': 'http://registry',
      'value.converter.schemas.enable': 'true',
    };
    expect(judge({ name: 'n', config: debezium })).toEqual([]);
    const { 'topic.prefix': _, ...older } = debezium;
    expect(judge({ ...older, 'database.server.name': 'p' })).toEqual([]);
  });

  test.each([
    ['a misspelled key', { ...source, 'slot.nam': 'x' }, 'slot.nam'],
    ['a key of the other class', { ...sink, 'slot.name': 'x' }, 'slot.name'],
    ['a missing key', { ...source, 'topic.prefix': undefined }, "must have required property 'topic.prefix'"],
    ['an unknown class', { ...source, 'connector.class': 'Postgres' }, 'must be equal to one of the allowed values'],
    [
      'a word that is no choice',
      { ...source, 'snapshot.mode': 'sometimes' },
      'must be equal to one of the allowed values',
    ],
    ['a number out of range', { ...source, 'database.port': 99_999 }, 'must be <= 65535'],
    ['an illegal name', { ...source, 'slot.name': 'My-Slot' }, 'must match pattern "^[a-z0-9_]{1,63}$"'],
    [
      'a key whose effect would be missed',
      { ...source, 'column.mask.with.3.chars': 'x' },
      'must be equal to one of the allowed values',
    ],
    [
      'another converter',
      { ...source, 'value.converter': 'JsonConverter' },
      'must be equal to one of the allowed values',
    ],
  ])('refuses %s', (_, config, message) => {
    const given = JSON.parse(JSON.stringify(config)) as object;
    expect(judge({ name: 'n', config: given })).toContain(message);
    expect(judge(given)).toContain(message);
  });

  test('refuses what stands beside the config', () => {
    expect(judge({ name: 'n', config: source, confg: {} })).toContain('confg');
  });
});

test('the schema of worker files knows typos from keys of Kafka Connect', () => {
  const isValid = new Ajv({ strict: false }).compile(JSON.parse(files['schema/worker.schema.json'] ?? ''));
  expect(
    isValid({ $schema: 's', 'bootstrap.servers': 'k:1', 'worker.threads': 2, 'group.id': 'g', listeners: '' }),
  ).toBe(true);
  expect(isValid({ 'bootstrap.server': 'k:1' })).toBe(false);
  expect(isValid({ 'log.level': 'loud' })).toBe(false);
});
