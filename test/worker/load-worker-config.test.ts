import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OperatorError } from '../../src/errors.ts';
import { loadWorkerConfig, workerFlags } from '../../src/worker/load-worker-config.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'rowcast-test-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, content: string): string {
  writeFileSync(join(directory, name), content);
  return join(directory, name);
}

function refusal(sources: Partial<Parameters<typeof loadWorkerConfig>[0]>): string {
  try {
    loadWorkerConfig({ env: {}, flags: {}, ...sources });
  } catch (error) {
    if (error instanceof OperatorError) return error.message;
    throw error;
  }
  throw new Error('It was accepted');
}

test('a daemon needs to be told nothing', () => {
  expect(loadWorkerConfig({ env: {}, flags: {} })).toEqual({
    config: {
      connectorsDir: 'connectors',
      connectorsWatch: true,
      stateDir: '.rowcast',
      kafka: undefined,
      compression: 'none',
      registry: undefined,
      rest: { host: '127.0.0.1', port: 8083, authentication: 'none', credentials: undefined },
      threads: undefined,
      restConnectors: 'write',
      shutdownTimeoutMs: 5000,
      stallTimeoutMs: 60_000,
      resumeMs: 30_000,
      logLevel: 'info',
    },
    warnings: [],
    secrets: [],
  });
});

test('flags win over variables, variables over the file', () => {
  const path = file(
    'a.properties',
    'state.dir=file\nclient.id=file\nlog.level=warn\nbootstrap.servers=k1:9092, \\\n  k2:9092',
  );
  const { config } = loadWorkerConfig({
    file: path,
    env: { ROWCAST_STATE_DIR: 'variable', ROWCAST_CLIENT_ID: 'variable' },
    flags: { 'state.dir': 'flag', 'connectors.dir': undefined },
  });
  expect(config).toMatchObject({
    stateDir: 'flag',
    logLevel: 'warn',
    connectorsDir: 'connectors',
    kafka: { bootstrapServers: ['k1:9092', 'k2:9092'], clientId: 'variable' },
  });
});

test("of a Connect worker's producer settings, the compression counts", () => {
  const path = file('producer.properties', 'producer.compression.type=zstd\nproducer.linger.ms=5');
  const { config, warnings } = loadWorkerConfig({ file: path, env: {}, flags: {} });
  expect(config.compression).toBe('zstd');
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('producer.linger.ms has no effect');
  const wrong = file('wrong.properties', 'producer.compression.type=brotli');
  expect(refusal({ file: wrong })).toContain('producer.compression.type must be one of: none, gzip, snappy, lz4, zstd');
});

test('a JSON file may name its schema', () => {
  const path = file(
    'a.json',
    JSON.stringify({ $schema: 'x', 'worker.threads': 2, 'connectors.watch': false, listeners: '' }),
  );
  const { config, warnings } = loadWorkerConfig({ file: path, env: {}, flags: {} });
  expect(config).toMatchObject({ threads: 2, connectorsWatch: false, rest: undefined });
  expect(warnings).toEqual([]);
});

test('a worker file of Kafka Connect loads, and says what has no effect', () => {
  const path = file(
    'connect-distributed.properties',
    `# Kafka's own file
bootstrap.servers=localhost:9092
group.id=connect-cluster
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
key.converter.schemas.enable=true
offset.storage.topic=connect-offsets
offset.storage.replication.factor=1
config.storage.topic=connect-configs
status.storage.topic=connect-status
offset.flush.interval.ms=10000
#listeners=HTTP://:8083
plugin.path=/usr/share/java
`,
  );
  const { config, warnings } = loadWorkerConfig({ file: path, env: {}, flags: {} });
  expect(config.kafka?.bootstrapServers).toEqual(['localhost:9092']);
  expect(warnings).toHaveLength(10);
  for (const warning of warnings) expect(warning).toMatch(/connect-distributed\.properties: \S+ has no effect: /);
});

test('the registry of the converters of a Connect worker is the one of the daemon', () => {
  const path = file(
    'registry.properties',
    'key.converter.schema.registry.url=https://u:s3cret@registry/\nvalue.converter.schema.registry.url=https://u:s3cret@registry/',
  );
  const { config, secrets } = loadWorkerConfig({ file: path, env: {}, flags: {} });
  expect(config.registry).toMatchObject({ urls: ['https://registry'], basicAuth: 'u:s3cret' });
  expect(secrets).toContain('s3cret');
  const other = file(
    'two.properties',
    'key.converter.schema.registry.url=http://a\nvalue.converter.schema.registry.url=http://b',
  );
  expect(refusal({ file: other })).toContain('are one setting and must say the same');
});

describe('variables', () => {
  test('that are not known are told, with the nearest', () => {
    const env = {
      ROWCAST_BOOTSTRAP_SERVER: 'k:1',
      ROWCAST_FAILPOINT: 'x',
      ROWCAST_PORT_8083_TCP_ADDR: '1',
      ROWCAST_SERVICE_HOST: '1',
    };
    expect(loadWorkerConfig({ env, flags: {} }).warnings).toEqual([
      'ROWCAST_BOOTSTRAP_SERVER is not a known variable; did you mean ROWCAST_BOOTSTRAP_SERVERS?',
    ]);
  });

  test('that are empty say nothing, except where empty means something', () => {
    const path = file('b.properties', 'bootstrap.servers=k:1\nsecurity.protocol=SSL');
    const env = { ROWCAST_SASL_USERNAME: '', ROWCAST_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM: '', ROWCAST_LISTENERS: '' };
    const { config } = loadWorkerConfig({ file: path, env, flags: {} });
    expect(config.rest).toBeUndefined();
    expect(config.kafka?.tls?.verifyHostname).toBe(true);
  });
});

test('all problems are told at once, each with its place', () => {
  const path = file('bad.properties', 'log.level=loud\nrest.port=1');
  expect(
    refusal({ file: path, env: { ROWCAST_WORKER_THREADS: 'many' }, flags: { 'bootstrap.servers': 'kafka' } }),
  ).toBe(
    [
      'command line: bootstrap.servers must be host:port, several separated by commas',
      'ROWCAST_WORKER_THREADS: worker.threads must be a whole number from 0 to 256',
      `${path}: log.level must be one of: debug, info, warn, error`,
      `${path}: rest.port is not supported: say listeners=http://host:port`,
    ].join('\n'),
  );
});

test('a file that cannot be read is named, and nothing of it is quoted', () => {
  expect(refusal({ file: 'nowhere.properties' })).toContain('nowhere.properties cannot be read');
  const message = refusal({ file: file('broken.json', '{"sasl.password": "s3cret", oops}') });
  expect(message).toMatch(/broken\.json: is not JSON/);
  expect(message).not.toContain('s3cret');
});

test('secrets may be references, and are no flags', () => {
  const secrets = file('secrets.properties', 'kafka=p\\u00e4ss\\=word');
  const path = file(
    'c.properties',
    `bootstrap.servers=k:1\nsecurity.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.username=\${env:WHO}\nsasl.password=\${file:${secrets}:kafka}`,
  );
  const loaded = loadWorkerConfig({ file: path, env: { WHO: 'me' }, flags: {} });
  expect(loaded.config.kafka?.sasl).toEqual({ mechanism: 'plain', username: 'me', password: 'päss=word' });
  expect(loaded.secrets).toEqual(['päss=word']);
  const keys = workerFlags().map(({ key }) => key);
  expect(keys).toContain('bootstrap.servers');
  expect(keys.filter((key) => /password|jaas|credentials$|key$/.test(key))).toEqual([]);
});
