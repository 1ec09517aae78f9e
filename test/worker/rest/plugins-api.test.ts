import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConfigInfos, ConfigKeyInfo } from '../../../src/connector/config-def.ts';
import type { RestServer } from '../../../src/worker/rest/server.ts';
import { FakeDaemon, serve } from './fake-daemon.ts';

let server: RestServer;
beforeAll(async () => {
  server = await serve(new FakeDaemon());
});
afterAll(() => server[Symbol.asyncDispose]());

const DEBEZIUM = 'io.debezium.connector.postgresql.PostgresConnector';

async function plugins(query: string): Promise<{ class: string; type: string; version: string }[]> {
  return (await (await fetch(`${server.url}/connector-plugins${query}`)).json()) as never;
}

async function validate(plugin: string, config: object): Promise<{ status: number; body: ConfigInfos }> {
  const answer = await fetch(`${server.url}/connector-plugins/${plugin}/config/validate`, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(config),
  });
  return { status: answer.status, body: (await answer.json()) as ConfigInfos };
}

test('classes are listed with their aliases, and converters when they are asked for', async () => {
  for (const query of ['', '/', '?connectorsOnly=true', '?connectorsOnly=bogus']) {
    const listed = await plugins(query);
    expect(listed).toContainEqual({ class: 'PostgresWalSource', type: 'source', version: '9.8.7' });
    expect(listed).toContainEqual({ class: DEBEZIUM, type: 'source', version: '9.8.7' });
    expect(listed).toContainEqual({ class: 'PostgresSink', type: 'sink', version: '9.8.7' });
    expect(listed.map(({ type }) => type)).not.toContain('converter');
  }
  for (const query of ['?connectorsOnly=false', '?connectorsOnly=False']) {
    expect((await plugins(query)).map(({ type }) => type)).toContain('converter');
  }
});

test('the settings of a class are found by every name that Connect takes, each with its defaults', async () => {
  const slotDefault = async (plugin: string): Promise<string | null | undefined> => {
    const answer = await fetch(`${server.url}/connector-plugins/${plugin}/config`);
    expect(answer.status, plugin).toBe(200);
    const keys = (await answer.json()) as ConfigKeyInfo[];
    expect(keys.map(({ name }) => name)).toEqual(expect.arrayContaining(['connector.class', 'database.password']));
    return keys.find(({ name }) => name === 'slot.name')?.default_value;
  };
  for (const plugin of [DEBEZIUM, 'PostgresConnector', 'Postgres']) expect(await slotDefault(plugin)).toBe('debezium');
  expect(await slotDefault('PostgresWalSource')).not.toBe('debezium');
});

test('an unknown plugin is answered with 404 in the words of Connect', async () => {
  const answer = await fetch(`${server.url}/connector-plugins/Nope/config`);
  expect(answer.status).toBe(404);
  expect(await answer.json()).toEqual({ error_code: 404, message: 'Unknown plugin Nope.' });
});

test('a config is judged setting by setting, and is answered with 200 also when it is wrong', async () => {
  const config = {
    'connector.class': DEBEZIUM,
    'database.port': '70000',
    'database.password': 'canary',
    'slot.name': null,
  };
  const { status, body } = await validate(DEBEZIUM, { ...config, 'heartbeat.interval.ms': 10 });
  expect(status).toBe(200);
  expect(body.name).toBe(DEBEZIUM);
  expect(body.error_count).toBeGreaterThan(1);
  const value = (name: string): object | undefined => body.configs.find((each) => each.value.name === name)?.value;
  expect(value('database.port')).toMatchObject({ errors: [expect.stringContaining('whole number')] });
  expect(value('database.hostname')).toMatchObject({ value: null, errors: [expect.stringContaining('required')] });
  expect(value('heartbeat.interval.ms')).toMatchObject({ value: '10', errors: [] });
  expect(value('slot.name')).toMatchObject({ value: 'debezium' });
  expect(JSON.stringify(body)).not.toContain('canary');
});

test('a key that is not known is no error, and recommends the one that is meant', async () => {
  const { body } = await validate('PostgresSink', { 'connector.class': 'PostgresSink', 'connection.urll': 'canary' });
  const found = body.configs.find((each) => each.definition.name === 'connection.urll');
  expect(found).toMatchObject({
    definition: { group: 'Unknown', documentation: 'Not a known setting; did you mean connection.url?' },
    value: { value: '********', recommended_values: ['connection.url'], errors: [], visible: true },
  });
  expect(body.groups).toContain('Unknown');
  expect(body.rowcast.warnings).toEqual(['connection.urll is not a known setting; did you mean connection.url?']);
});

test('a class may be named without its package, in the path and in the config', async () => {
  const { status, body } = await validate('Postgres', { 'connector.class': 'PostgresConnector' });
  expect(status).toBe(200);
  expect(body.name).toBe('PostgresConnector');
  const slot = body.configs.find((each) => each.definition.name === 'slot.name');
  expect(slot?.definition.default_value).toBe('debezium');
});

test('a config that a client has put into a text is judged as well', async () => {
  const { status, body } = await validate(
    'PostgresSink',
    JSON.stringify({ 'connector.class': 'PostgresSink' }) as never,
  );
  expect([status, body.name]).toEqual([200, 'PostgresSink']);
});

test('references in a config are not resolved for who asks', async () => {
  const config = {
    'connector.class': 'PostgresWalSource',
    'database.hostname': '${env:NOT_THERE}${file:/nowhere:key}',
  };
  const { body } = await validate('PostgresWalSource', config);
  const { value } = body.configs.find((each) => each.value.name === 'database.hostname') ?? {};
  expect(value?.errors).toEqual([]);
});

test('files that a config names are not looked at: the answer is the same whatever they are', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'rowcast-validate-'));
  const pipe = join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const registry = 'value.converter.schema.registry.';
  const answers = new Set<string>();
  for (const path of [import.meta.filename, directory, '/dev/zero', pipe, join(directory, 'nowhere')]) {
    const { status, body } = await validate('PostgresSink', {
      'connector.class': 'PostgresSink',
      'connection.url': 'postgres://u@h/d',
      'topic.prefix': 'p',
      [`${registry}url`]: 'https://registry:8081',
      [`${registry}ssl.truststore.location`]: path,
      [`${registry}ssl.keystore.location`]: path,
    });
    expect([status, body.error_count], path).toEqual([200, 0]);
    answers.add(JSON.stringify(body).replaceAll(path, 'path'));
  }
  expect(answers.size).toBe(1);
  rmSync(directory, { recursive: true });
});

test.each<[string, object, string]>([
  ['PostgresSink', {}, 'Connector config {} contains no connector type'],
  ['PostgresSink', { 'connector.class': 'PostgresWalSource' }, 'does not match request type PostgresSink'],
  ['Nope', { 'connector.class': 'PostgresWalSource' }, 'does not match request type Nope'],
  ['Nope', { 'connector.class': 'Nope' }, 'Failed to find any class that implements Connector'],
  ['PostgresSink', { 'connector.class': 'PostgresSink', topics: ['a'] }, 'topics must be a text'],
  ['PostgresSink', [], 'not a JSON object'],
])('for %s the config %j is answered with 400', async (plugin, config, message) => {
  const { status, body } = await validate(plugin, config);
  expect(status).toBe(400);
  expect(body).toMatchObject({ error_code: 400, message: expect.stringContaining(message) });
});

test('a config that is not JSON by its type is answered with 415', async () => {
  const answer = await fetch(`${server.url}/connector-plugins/PostgresSink/config/validate`, {
    method: 'PUT',
    headers: { 'Content-Type': 'text/plain' },
    body: '{}',
  });
  expect(answer.status).toBe(415);
});
