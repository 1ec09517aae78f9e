import { expect, test } from 'vitest';
import type { Registry } from '../../../src/converter/registry/registry.ts';
import { createRedactor } from '../../../src/observe/redaction.ts';
import { FakeDaemon, KeptLog, serve } from './fake-daemon.ts';

const SCHEMA = '{"type":"record","name":"canary","fields":[]}';

/** As much of a registry as a few reads need. */
function fakeRegistry(): Registry {
  const version = { subject: 'canary-value', version: 1, id: 7, schema: SCHEMA, deleted: false };
  const partly: Partial<Registry> = { versions: async () => [version] };
  return partly as Registry;
}

test.each([
  '/subjects',
  '/subjects/',
  '/subjects/a/versions',
  '/schemas/ids/1',
  '/config',
  '/config/a',
  '/mode',
  '/compatibility/subjects/a/versions/1',
  '/contexts',
])('%s is answered with 404 and where the schemas are when the registry is an external one', async (path) => {
  await using server = await serve(new FakeDaemon());
  for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
    const answer = await fetch(server.url + path, { method });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toEqual({
      error_code: 404,
      message: 'Schemas are kept by an external registry here: ask the one that schema.registry.url names',
    });
  }
});

test('the built-in registry answers beside the connectors, and keeps its own codes', async () => {
  const daemon = new FakeDaemon();
  daemon.registry = fakeRegistry();
  await using server = await serve(daemon);
  expect(await (await fetch(`${server.url}/subjects/`)).json()).toEqual(['canary-value']);
  const missing = await fetch(`${server.url}/subjects/nope/versions`);
  expect(missing.status).toBe(404);
  expect(await missing.json()).toMatchObject({ error_code: 40401 });
  expect(await (await fetch(`${server.url}/connectors`)).json()).toEqual(['shop-source', 'shop-sink']);
  expect(await (await fetch(`${server.url}/bogus`)).json()).toEqual({ error_code: 404, message: 'HTTP 404 Not Found' });
});

test('a schema leaves as it was registered, even if it holds the word that is a password', async () => {
  const daemon = new FakeDaemon();
  daemon.registry = fakeRegistry();
  const redactor = createRedactor();
  redactor.add(['canary']);
  await using server = await serve(daemon, {}, { redactor });
  const answer = await fetch(`${server.url}/subjects/canary-value/versions/1`);
  expect(await answer.json()).toMatchObject({ subject: 'canary-value', schema: SCHEMA });
});

test('a bug of the registry is answered with 500 and logged', async () => {
  const daemon = new FakeDaemon();
  const log = new KeptLog();
  const broken: Partial<Registry> = { versions: () => Promise.reject(new TypeError('x of undefined')) };
  daemon.registry = broken as Registry;
  await using server = await serve(daemon, {}, {}, log);
  const answer = await fetch(`${server.url}/subjects`);
  expect(answer.status).toBe(500);
  expect(await answer.text()).not.toContain('undefined');
  expect(log.lines).toMatchObject([{ fact: 'request failed', fields: { message: 'x of undefined' } }]);
});
