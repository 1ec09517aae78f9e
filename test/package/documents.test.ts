import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { parseConnector } from '../support/connector.ts';
import { loadWorkerConfig } from '../../src/worker/load-worker-config.ts';

const root = join(import.meta.dirname, '..', '..');
const SCHEMA = 'schema/connector.schema.json';

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

const inReadme = [...read('README.md').matchAll(/```json\n(.*?)```/gs)].map((match) => match[1] as string);
const inPackage = ['connectors/shop-source.json', 'connectors/shop-replica.json'].map(read);

test('the connector files of the README are valid and raise no warning', () => {
  const env = { SOURCE_PASSWORD: 'source', REPLICA_PASSWORD: 'replica' };
  const connectors = inReadme.map((json, i) => parseConnector(`README.md, file ${i + 1}`, json, env));
  expect(connectors.map(({ kind, warnings }) => [kind, warnings])).toEqual([
    ['PostgresWalSource', []],
    ['PostgresSink', []],
  ]);
});

test('an editor finds nothing to complain of in the connector files of the README and of the package', () => {
  const validate = new Ajv({ strict: false }).compile(JSON.parse(read(SCHEMA)) as object);
  const schemas = [...inReadme, ...inPackage].map((json) => {
    const file = JSON.parse(json) as { readonly $schema: string };
    expect([validate(file), validate.errors]).toEqual([true, null]);
    return file.$schema;
  });
  const installed = `../node_modules/rowcast/${SCHEMA}`;
  expect(schemas).toEqual([installed, installed, `../${SCHEMA}`, `../${SCHEMA}`]);
});

test.each([
  ['docker-compose.yml', /^ +(ROWCAST_\w+): (\S+)$/gm],
  ['deploy/kubernetes/rowcast.yaml', /name: (ROWCAST_\w+)(?:, value: "?([^"\s]+)"? \})?/g],
  ['docs/operating/running.md', /-e (ROWCAST_\w+)=(\S+)/g],
])('%s sets the daemon up as it means to', (file, pattern) => {
  const found = [...read(file).matchAll(pattern)].map(([, name, value]) => [name, value ?? 'in-a-secret'] as const);
  const { config, warnings } = loadWorkerConfig({ env: Object.fromEntries(found), flags: {} });
  expect(warnings).toEqual([]);
  expect(config.rest?.host).toBe('0.0.0.0');
  expect(config.rest?.port).toBe(8083);
  expect(config.kafka?.bootstrapServers).toEqual(['kafka:9092']);
});

test('commands in the container find what the daemon uses: the image says where the volumes are', () => {
  const image = read('deploy/Dockerfile');
  expect(image).toMatch(/^ENV .*ROWCAST_CONNECTORS_DIR=\/connectors ROWCAST_STATE_DIR=\/state$/m);
  expect(image).toMatch(/^CMD \["start"\]$/m);
});
