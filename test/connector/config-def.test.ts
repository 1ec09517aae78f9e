import { describe, expect, test } from 'vitest';
import { type ConfigInfos, configDef, validate } from '../../src/connector/config-def.ts';
import type { RawConfig } from '../../src/connector/parse-config.ts';
import { POSTGRES_SINK } from '../../src/connector/postgres-sink.ts';
import { POSTGRES_WAL_SOURCE } from '../../src/connector/postgres-wal-source.ts';

const DEBEZIUM = 'io.debezium.connector.postgresql.PostgresConnector';
const SOURCE = {
  'connector.class': 'PostgresWalSource',
  'database.hostname': 'h',
  'database.user': 'u',
  'database.dbname': 'd',
  'topic.prefix': 'p',
};

describe("Connect's ConfigDef", () => {
  test('describes a setting as Connect does', () => {
    expect(configDef(POSTGRES_WAL_SOURCE).find(({ name }) => name === 'database.port')).toEqual({
      name: 'database.port',
      type: 'INT',
      required: false,
      default_value: '5432',
      importance: 'HIGH',
      documentation: 'Port of the server.',
      group: 'Connection',
      width: 'SHORT',
      display_name: 'Database port',
      dependents: [],
      order: 2,
    });
  });

  test('begins with name and class, orders each group, and has no prefixes', () => {
    const def = configDef(POSTGRES_WAL_SOURCE);
    expect(def.slice(0, 2).map(({ name, type }) => [name, type])).toEqual([
      ['name', 'STRING'],
      ['connector.class', 'CLASS'],
    ]);
    for (const group of new Set(def.map((each) => each.group))) {
      const orders = def.filter((each) => each.group === group).map(({ order }) => order);
      expect(orders).toEqual(orders.map((_, i) => i + 1));
    }
    expect(def.filter(({ name }) => name.includes('*'))).toEqual([]);
  });

  test('has the defaults of an alias under its name, and none of passwords', () => {
    const defaultOf = (alias?: string): unknown =>
      configDef(POSTGRES_WAL_SOURCE, alias).find(({ name }) => name === 'slot.name')?.default_value;
    expect([defaultOf(), defaultOf(DEBEZIUM)]).toEqual(['rowcast', 'debezium']);
    expect(
      configDef(POSTGRES_SINK).filter(({ type, default_value }) => type === 'PASSWORD' && default_value !== null),
    ).toEqual([]);
  });
});

describe('the validate call', () => {
  const errors = ({ configs }: ConfigInfos): Record<string, readonly string[]> =>
    Object.fromEntries(configs.flatMap(({ value }) => (value.errors.length > 0 ? [[value.name, value.errors]] : [])));
  const judge = (raw: RawConfig, env?: Record<string, string>): ConfigInfos =>
    validate(POSTGRES_WAL_SOURCE, { ...SOURCE, ...raw }, env);

  test('finds nothing wrong with a right config', () => {
    const infos = judge({});
    expect([infos.name, infos.error_count, errors(infos)]).toEqual(['PostgresWalSource', 0, {}]);
    expect(infos.groups.slice(0, 2)).toEqual(['Common', 'Connection']);
  });

  test('puts every problem to its key, and counts them', () => {
    const { 'topic.prefix': _, ...rest } = SOURCE;
    const infos = validate(POSTGRES_WAL_SOURCE, {
      ...rest,
      'database.port': '0',
      'column.mask.with.3.chars': 'x',
    });
    expect(errors(infos)).toEqual({
      'topic.prefix': ['topic.prefix is required'],
      'database.port': ['database.port must be a whole number from 1 to 65535'],
      'column.mask.with.3.chars': [
        'column.mask.with.3.chars is not supported: values cannot be masked yet, and would travel in clear',
      ],
    });
    expect(infos.error_count).toBe(3);
  });

  test('holds rules over several settings', () => {
    expect(errors(judge({ 'table.include.list': 'a', 'table.exclude.list': 'b' }))).toEqual({
      'table.include.list': ['table.include.list and table.exclude.list exclude each other'],
    });
  });

  test('resolves references only when it may', () => {
    const raw = { 'database.port': '${env:PORT}', 'slot.name': 'NO' };
    expect(Object.keys(errors(judge(raw)))).toEqual(['slot.name']);
    expect(errors(judge({ 'database.port': '${env:PORT}' }, { PORT: 'x' }))).toHaveProperty(['database.port']);
    expect(judge({ 'database.port': '${env:PORT}' }, { PORT: '1' }).error_count).toBe(0);
  });

  test('shows values as written, without secrets', () => {
    const infos = judge({ 'database.password': 's3cret', 'database.port': 's3cret', 'slot.name': '${env:SLOT}' });
    const shown = Object.fromEntries(infos.configs.map(({ value }) => [value.name, value.value]));
    expect(shown).toMatchObject({ 'database.hostname': 'h', 'slot.name': '${env:SLOT}', 'snapshot.mode': 'initial' });
    expect(JSON.stringify(infos)).not.toContain('s3cret');
  });
});
