import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConnector } from '../../src/connector/load-file.ts';
import { loadWorkerConfig } from '../../src/worker/load-worker-config.ts';

const root = join(import.meta.dirname, '..', '..');

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

test('the connector files of the README are valid and raise no warning', () => {
  const files = [...read('README.md').matchAll(/```json\n(.*?)```/gs)].map((match) => match[1] as string);
  const env = { SOURCE_PASSWORD: 'source', REPLICA_PASSWORD: 'replica' };
  const connectors = files.map((json, i) => parseConnector(`README.md, file ${i + 1}`, json, env));
  expect(connectors.map(({ kind, warnings }) => [kind, warnings])).toEqual([
    ['PostgresWalSource', []],
    ['PostgresSink', []],
  ]);
  expect(
    files.every((json) => json.includes('"$schema": "../node_modules/rowcast/schema/connector.schema.json"')),
  ).toBe(true);
});

test.each([
  ['docker-compose.yml', /^ +(ROWCAST_\w+): (\S+)$/gm],
  ['deploy/kubernetes/rowcast.yaml', /name: (ROWCAST_\w+)(?:, value: "?([^"\s]+)"? \})?/g],
  ['docs/operating/running.md', /-e (ROWCAST_\w+)=(\S+)/g],
])('%s sets the daemon up as it means to', (file, pattern) => {
  const found = [...read(file).matchAll(pattern)].map(([, name, value]) => [name, value ?? 'in:a-secret'] as const);
  const { config, warnings } = loadWorkerConfig({ env: Object.fromEntries(found), flags: {} });
  expect(warnings).toEqual([]);
  expect(config.rest?.host).toBe('0.0.0.0');
  expect(config.rest?.port).toBe(8083);
  expect(config.kafka?.bootstrapServers).toEqual(['kafka:9092']);
});
