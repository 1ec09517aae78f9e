import { expect, test } from 'vitest';
import { parseConnector } from '../support/connector.ts';

const BASE = {
  'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
  'database.hostname': 'h',
  'database.user': 'u',
  'database.dbname': 'd',
  'topic.prefix': 'p',
};

function source(more: Record<string, string>) {
  const { config, warnings } = parseConnector('c.json', JSON.stringify({ ...BASE, ...more }), {});
  if (!('snapshotMode' in config)) throw new Error('It is a source');
  return { config, warnings };
}

function modeOf(mode: string, more: Record<string, string> = {}) {
  const { snapshotMode, recopy } = source({ 'snapshot.mode': mode, ...more }).config;
  return [snapshotMode, recopy];
}

const BASED = 'snapshot.mode.configuration.based.';

test.each([
  ['initial', 'initial', 'never'],
  ['INITIAL_ONLY', 'initial_only', 'never'],
  ['no_data', 'no_data', 'never'],
  ['never', 'no_data', 'never'],
  ['schema_only', 'no_data', 'never'],
  ['always', 'initial', 'always'],
  ['when_needed', 'initial', 'when lost'],
])('snapshot.mode=%s copies and streams as Debezium says', (mode, base, recopy) => {
  expect(modeOf(mode)).toEqual([base, recopy]);
});

test('configuration_based is what its keys say', () => {
  const of = (keys: Record<string, string>) =>
    modeOf('configuration_based', Object.fromEntries(Object.entries(keys).map(([key, value]) => [BASED + key, value])));
  expect(of({ 'snapshot.data': 'true', 'start.stream': 'true', 'snapshot.schema': 'true' })).toEqual([
    'initial',
    'always',
  ]);
  expect(of({ 'snapshot.data': 'true' })).toEqual(['initial_only', 'always']);
  expect(of({ 'start.stream': 'true' })).toEqual(['no_data', 'never']);
  expect(() => of({})).toThrow('are both false: nothing is left to do');
  expect(() => of({ 'start.stream': 'true', 'snapshot.on.data.error': 'true' })).toThrow(
    'snapshot.on.data.error needs snapshot.mode.configuration.based.snapshot.data=true',
  );
});

test('custom is refused, for it names a Java class', () => {
  expect(() => source({ 'snapshot.mode': 'custom' })).toThrow('snapshot.mode "custom" is not supported; supported: ');
  expect(() => source({ 'snapshot.mode.custom.name': 'x' })).toThrow('it names a Java class; say which of the other');
});

test('the statement of a table gives the condition of its rows, and nothing else is taken', () => {
  const key = 'snapshot.select.statement.overrides';
  const { config, warnings } = source({
    [key]: 'public.a, public.b',
    [`${key}.public.a`]: 'SELECT * FROM public.a WHERE deleted = false',
    [`${key}.public.b`]: 'SELECT * FROM public.b',
  });
  expect(config.snapshotConditions).toEqual({ 'public.a': 'deleted = false' });
  expect(warnings).toContain(
    `${key} leaves rows out of the copy: a replica that has not got them stops when they change`,
  );
  expect(() => source({ [key]: 'public.a' })).toThrow(`${key}.public.a is required`);
  expect(() => source({ [`${key}.public.a`]: 'SELECT * FROM public.a' })).toThrow('does not name');
  expect(() => source({ [key]: 'public.a', [`${key}.public.a`]: 'SELECT id FROM public.a' })).toThrow(
    'other forms are not supported',
  );
});

test('signals have the names and defaults of Debezium', () => {
  expect(source({}).config).toMatchObject({
    signalChannels: ['source'],
    signalTable: undefined,
    signalTopic: undefined,
    signalFile: 'file-signals.txt',
    signalPollIntervalMs: 5000,
    signalPollTimeoutMs: 100,
  });
  const told = source({ 'signal.enabled.channels': 'source, Kafka,file', 'signal.data.collection': 'public.signals' });
  expect(told.config).toMatchObject({ signalChannels: ['source', 'kafka', 'file'], signalTable: 'public.signals' });
  expect(() => source({ 'signal.enabled.channels': 'jmx' })).toThrow('use REST, POST /connectors/{name}/snapshot');
  expect(() => source({ 'signal.enabled.channels': 'mail' })).toThrow('must be some of: source, kafka, file');
  expect(() => source({ 'signal.data.collection': 'signals' })).toThrow('must be a table as schema.table');
});
