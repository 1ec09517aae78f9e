import { Hono } from 'hono';
import { beforeEach, describe, expect, test } from 'vitest';
import { createLogSchemaStore } from '../../../src/converter/registry/log-store.ts';
import type { Registry } from '../../../src/converter/registry/registry.ts';
import { TransientError } from '../../../src/errors.ts';
import { registryRoutes } from '../../../src/worker/rest/registry-api.ts';
import { type MemoryTopic, memoryTopic } from '../../converter/registry/memory-topic.ts';

const TYPE = 'application/vnd.schemaregistry.v1+json';
const record = (...fields: object[]): string => JSON.stringify({ type: 'record', name: 'R', fields });
const A = record({ name: 'a', type: 'string' });
const AB = record({ name: 'a', type: 'string' }, { name: 'b', type: 'string', default: '' });
const WRONG = record({ name: 'a', type: 'int' });

let topic: MemoryTopic;
let registry: Registry;
let app: Hono;

beforeEach(() => {
  topic = memoryTopic();
  registry = createLogSchemaStore(topic);
  // As the daemon mounts it.
  app = new Hono({ strict: false });
  app.notFound((c) => c.text('not the registry', 404));
  app.onError((error) => {
    throw error;
  });
  app.route('/', registryRoutes(registry));
});

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly body: unknown;
}

async function ask(line: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const [method, path] = line.split(' ') as [string, string];
  const init = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
  const response = await app.request(path, {
    method,
    headers: { ...(body !== undefined && { 'content-type': TYPE }), ...headers },
    ...init,
  });
  return { status: response.status, type: response.headers.get('content-type'), body: await response.json() };
}

/** The body of an answer that must be 200. */
async function ok(line: string, body?: unknown): Promise<unknown> {
  const answer = await ask(line, body);
  expect(answer, line).toMatchObject({ status: 200, type: TYPE });
  return answer.body;
}

async function code(line: string, body?: unknown): Promise<[number, unknown]> {
  const answer = await ask(line, body);
  expect(answer.body).toEqual({ error_code: expect.any(Number), message: expect.stringMatching(/^["A-Z]/) });
  return [answer.status, (answer.body as { error_code: number }).error_code];
}

const register = (subject: string, schema: string): Promise<unknown> =>
  ok(`POST /subjects/${subject}/versions?normalize=False`, { schema, schemaType: 'AVRO' });

describe('registering and looking up', () => {
  test('an id or a version that is to be kept is refused, and forgotten nowhere', async () => {
    for (const given of [{ id: 0 }, { id: 7 }, { version: 3 }, { id: 7, version: 3 }]) {
      expect(await ask('POST /subjects/s/versions', { schema: A, ...given })).toMatchObject({
        status: 422,
        body: { error_code: 42205, message: expect.stringContaining('Subject s is not in import mode') },
      });
    }
    expect(await code('POST /subjects/s/versions', { schema: A, id: '7' })).toEqual([400, 400]);
    expect(await ok('GET /subjects')).toEqual([]);
    for (const none of [{ id: null, version: null }, { id: -1, version: 0 }, { version: -1 }]) {
      expect(await ok('POST /subjects/s/versions', { schema: A, ...none })).toEqual({ id: 1 });
    }
    expect(await ok('POST /subjects/s', { schema: A, id: 7, version: 3 })).toMatchObject({ id: 1, version: 1 });
  });

  test('a schema is registered under a subject, and found by id, version and text', async () => {
    expect(await register('s', A)).toEqual({ id: 1 });
    expect(await register('s', AB)).toEqual({ id: 2 });
    expect(await register('s', A)).toEqual({ id: 1 });
    expect(await register('t', A)).toEqual({ id: 1 });

    expect(await ok('GET /subjects')).toEqual(['s', 't']);
    expect(await ok('GET /subjects/s/versions')).toEqual([1, 2]);
    const first = { subject: 's', version: 1, id: 1, schema: A };
    const second = { subject: 's', version: 2, id: 2, schema: AB };
    expect(await ok('GET /subjects/s/versions/1')).toEqual(first);
    expect(await ok('GET /subjects/s/versions/latest')).toEqual(second);
    expect(await ok('GET /subjects/s/versions/-1')).toEqual(second);
    expect(await ok('GET /subjects/s/versions/1/schema')).toEqual(JSON.parse(A));
    expect(await ok('GET /subjects/s/versions/1/referencedby')).toEqual([]);
    expect(await ok('POST /subjects/s', { schema: JSON.stringify(JSON.parse(AB), null, 2) })).toEqual(second);

    expect(await ok('GET /schemas/ids/1')).toEqual({ schema: A });
    expect(await ok('GET /schemas/ids/1?fetchMaxId=false&subject=')).toEqual({ schema: A });
    expect(await ok('GET /schemas/ids/1?fetchMaxId=true&subject=s')).toEqual({ schema: A, maxId: 2 });
    expect(await ok('GET /schemas/ids/2/schema')).toEqual(JSON.parse(AB));
    expect(await ok('GET /schemas/ids/1/subjects')).toEqual(['s', 't']);
    expect(await ok('GET /schemas/ids/1/subjects?subject=t')).toEqual(['t']);
    expect(await ok('GET /schemas/ids/1/versions')).toEqual([
      { subject: 's', version: 1 },
      { subject: 't', version: 1 },
    ]);
    expect(await ok('GET /schemas/types')).toEqual(['AVRO']);
    expect(await ok('GET /schemas')).toEqual([first, second, { ...first, subject: 't' }]);
    expect(await ok('GET /schemas?latestOnly=true&subjectPrefix=s')).toEqual([second]);
    expect(await ok('GET /schemas?offset=1&limit=1')).toEqual([second]);
    expect(await ok('GET /contexts')).toEqual(['.']);
  });

  test('what a source registered is what consumers find', async () => {
    const id = await registry.register('shop.public.orders-value', A, AbortSignal.timeout(1000));
    expect(await ok(`GET /schemas/ids/${id}?subject=shop.public.orders-value`)).toEqual({ schema: A });
    expect(await ok('GET /subjects/shop.public.orders-value/versions/latest')).toMatchObject({ id, version: 1 });
  });

  test('subjects are listed by prefix and page', async () => {
    for (const subject of ['b-value', 'a-value', 'a-key']) await register(subject, A);
    expect(await ok('GET /subjects')).toEqual(['a-key', 'a-value', 'b-value']);
    expect(await ok('GET /subjects?subjectPrefix=a-')).toEqual(['a-key', 'a-value']);
    expect(await ok('GET /subjects?subjectPrefix=:*:')).toHaveLength(3);
    expect(await ok('GET /subjects?offset=1&limit=1')).toEqual(['a-value']);
  });

  test.each(['a/b', 'a b', 'ä€', '50%', '50%25', 'a?b#c', 'a+b', '..', 'a%2Fb', '"', "'"])(
    'a subject may be called %j',
    async (subject) => {
      const path = encodeURIComponent(subject).replace(/^\.\.$/, '%2E%2E.');
      const name = subject === '..' ? '...' : subject;
      expect(await register(path, A)).toEqual({ id: 1 });
      expect(await ok('GET /subjects')).toEqual([name]);
      expect(await ok(`GET /subjects/${path}/versions/1`)).toMatchObject({ subject: name });
      await ok(`PUT /config/${path}`, { compatibility: 'NONE' });
      expect(await registry.level(name, AbortSignal.timeout(1000))).toBe('NONE');
      expect(await ok(`DELETE /subjects/${path}`)).toEqual([1]);
    },
  );

  test('the default context may be said; others are refused', async () => {
    await register(':.:s', A);
    expect(await ok('GET /subjects/s/versions')).toEqual([1]);
    expect(await code('POST /subjects/:.other:s/versions', { schema: A })).toEqual([422, 42208]);
  });

  test('a slash at the end makes no difference', async () => {
    await ok('POST /subjects/s/versions/', { schema: A });
    expect(await ok('GET /subjects/')).toEqual(['s']);
    expect(await ok('GET /subjects/s/versions/1/')).toMatchObject({ id: 1 });
    expect(await ok('GET /config/')).toEqual({ compatibilityLevel: 'BACKWARD' });
  });
});

describe('what is answered in which form', () => {
  test.each([
    [undefined, TYPE],
    ['*/*', TYPE],
    ['application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json, application/json', TYPE],
    ['application/json', 'application/json'],
  ])('accepting %j gives %s', async (accept, type) => {
    expect((await ask('GET /subjects', undefined, accept === undefined ? {} : { accept })).type).toBe(type);
  });

  test.each([
    ['application/vnd.schemaregistry.v1+json', 200],
    ['application/vnd.schemaregistry+json; charset=utf-8', 200],
    ['application/json', 200],
    ['application/json; charset=utf-8', 200],
    ['application/octet-stream', 200],
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
  ])('a body of %s is answered with %i', async (type, status) => {
    const answer = await ask('POST /subjects/s/versions', { schema: A }, { 'content-type': type });
    expect(answer.status).toBe(status);
  });
});

describe('what is refused, with its code', () => {
  beforeEach(() => register('s', A));

  test.each([
    ['GET /subjects/other/versions', 404, 40401],
    ['GET /subjects/other/versions/1', 404, 40401],
    ['GET /subjects/other/versions/latest/schema', 404, 40401],
    ['DELETE /subjects/other', 404, 40401],
    ['DELETE /subjects/other/versions/1', 404, 40401],
    ['DELETE /subjects/other/versions/latest', 404, 40401],
    ['GET /subjects/s/versions/9', 404, 40402],
    ['GET /subjects/s/versions/9/referencedby', 404, 40402],
    ['DELETE /subjects/s/versions/9', 404, 40402],
    ['GET /schemas/ids/99', 404, 40403],
    ['GET /schemas/ids/x/schema', 404, 40403],
    ['GET /schemas/ids/01', 404, 40403],
    ['DELETE /subjects/s?permanent=true', 404, 40405],
    ['DELETE /subjects/s/versions/1?permanent=true', 404, 40407],
    ['GET /config/s', 404, 40408],
    ['DELETE /config/s', 404, 40408],
    ['GET /mode/s', 404, 40409],
    ['GET /associations/resources/-/orders?resourceType=topic', 404, 40410],
    ['GET /subjects/s/versions/0', 422, 42202],
    ['GET /subjects/s/versions/abc', 422, 42202],
    ['GET /subjects/s/versions/1.5', 422, 42202],
    ['DELETE /subjects/s/versions/-2', 422, 42202],
  ])('%s: %i, %i', async (line, status, expected) => {
    expect(await code(line)).toEqual([status, expected]);
  });

  test.each([
    ['POST /subjects/other', { schema: A }, 404, 40401],
    ['POST /subjects/s', { schema: AB }, 404, 40403],
    ['POST /subjects/s', { schema: '{' }, 422, 42201],
    ['POST /subjects/s/versions', { schema: WRONG }, 409, 409],
    ['POST /subjects/s/versions', { schema: 'not json' }, 422, 42201],
    ['POST /subjects/s/versions', { schema: '{"type":"record"}' }, 422, 42201],
    ['POST /subjects/s/versions', { schema: JSON.parse(A) }, 422, 42201],
    ['POST /subjects/s/versions', {}, 422, 42201],
    ['POST /subjects/s/versions', { schema: '{}', schemaType: 'JSON' }, 422, 42201],
    ['POST /subjects/s/versions', { schema: 'syntax = "proto3";', schemaType: 'PROTOBUF' }, 422, 42201],
    ['POST /subjects/s/versions', { schema: A, references: [{ name: 'x', subject: 'x', version: 1 }] }, 422, 42201],
    ['POST /subjects/s/versions', { schema: A, ruleSet: {} }, 422, 42201],
    ['POST /subjects/s/versions', 'nonsense', 400, 400],
    ['POST /subjects/s/versions', [A], 400, 400],
    ['POST /compatibility/subjects/s/versions/9', { schema: A }, 404, 40402],
    ['POST /compatibility/subjects/other/versions/1', { schema: A }, 404, 40402],
    ['POST /compatibility/subjects/s/versions/x', { schema: A }, 422, 42202],
    ['POST /compatibility/subjects/s/versions/latest', { schema: '"x"' }, 422, 42201],
    ['PUT /config', { compatibility: 'SOMETIMES' }, 422, 42203],
    ['PUT /config/s', {}, 422, 42203],
    ['PUT /config/s', { compatibility: 'FULL', compatibilityGroup: 'x' }, 422, 42205],
    ['PUT /mode', { mode: 'READONLY' }, 422, 42205],
    ['PUT /mode/s', { mode: 'IMPORT' }, 422, 42205],
    ['PUT /mode', { mode: 'SOMETIMES' }, 422, 42204],
  ])('%s %j: %i, %i', async (line, body, status, expected) => {
    expect(await code(line, body)).toEqual([status, expected]);
    expect(topic.records).toHaveLength(1);
  });

  test('an incompatible schema is told why', async () => {
    const { body } = await ask('POST /subjects/s/versions', { schema: WRONG });
    expect(body).toMatchObject({
      message: expect.stringContaining(
        'R.a: the new schema has int, which cannot read the string of the earlier schema',
      ),
    });
  });

  test("a path that is not the registry's is left to others", async () => {
    const response = await app.request('/connectors');
    expect(await response.text()).toBe('not the registry');
  });
});

test('deletes: soft, then permanent; what is hidden is seen with ?deleted=true', async () => {
  await register('s', A);
  await register('s', AB);
  expect(await ok('DELETE /subjects/s/versions/latest')).toBe(2);
  expect(await ok('GET /subjects/s/versions')).toEqual([1]);
  expect(await ok('GET /subjects/s/versions?deleted=true')).toEqual([1, 2]);
  expect(await ok('GET /subjects/s/versions?deletedOnly=true')).toEqual([2]);
  expect(await ok('GET /subjects/s/versions/latest')).toMatchObject({ version: 1 });
  expect(await ok('GET /subjects/s/versions/2?deleted=true')).toMatchObject({ id: 2 });
  expect(await ok('GET /schemas/ids/2')).toEqual({ schema: AB });
  expect(await ok('GET /schemas/ids/2/subjects')).toEqual([]);
  expect(await ok('GET /schemas/ids/2/subjects?deleted=true')).toEqual(['s']);
  expect(await code('DELETE /subjects/s/versions/2')).toEqual([404, 40406]);
  expect(await code('POST /subjects/s', { schema: AB })).toEqual([404, 40403]);
  expect(await ok('POST /subjects/s?deleted=true', { schema: AB })).toMatchObject({ version: 2 });

  expect(await ok('DELETE /subjects/s')).toEqual([1]);
  expect(await ok('GET /subjects')).toEqual([]);
  expect(await ok('GET /subjects?deleted=true')).toEqual(['s']);
  expect(await ok('GET /subjects?deletedOnly=true')).toEqual(['s']);
  expect(await code('GET /subjects/s/versions')).toEqual([404, 40401]);
  expect(await code('DELETE /subjects/s')).toEqual([404, 40404]);

  expect(await ok('DELETE /subjects/s/versions/1?permanent=true')).toBe(1);
  expect(await ok('DELETE /subjects/s?permanent=true')).toEqual([2]);
  expect(await ok('GET /subjects?deleted=true')).toEqual([]);
  expect(await code('GET /schemas/ids/2')).toEqual([404, 40403]);
  expect(await register('s', AB)).toEqual({ id: 2 });
  expect(await ok('GET /subjects/s/versions')).toEqual([3]);
});

test('compatibility is tested against one version or all, at the level of the subject', async () => {
  await register('s', A);
  const check = (path: string, schema: string): Promise<unknown> =>
    ok(`POST /compatibility/subjects/${path}`, { schema });
  expect(await check('s/versions/latest', AB)).toEqual({ is_compatible: true });
  expect(await check('s/versions/1', WRONG)).toEqual({ is_compatible: false });
  expect(await check('s/versions', WRONG)).toEqual({ is_compatible: false });
  expect(await check('s/versions/latest?verbose=true', WRONG)).toEqual({
    is_compatible: false,
    messages: ['R.a: the new schema has int, which cannot read the string of the earlier schema'],
  });
  expect(await check('s/versions/latest?verbose=true', A)).toEqual({ is_compatible: true, messages: [] });
  expect(await check('other/versions/latest', A)).toEqual({ is_compatible: true });
  expect(await check('other/versions', A)).toEqual({ is_compatible: true });
  await ok('PUT /config/s', { compatibility: 'NONE' });
  expect(await check('s/versions/latest', WRONG)).toEqual({ is_compatible: true });
});

test('levels are set, read, defaulted and removed', async () => {
  expect(await ok('GET /config')).toEqual({ compatibilityLevel: 'BACKWARD' });
  expect(await ok('PUT /config', { compatibility: 'FULL', normalize: true })).toEqual({ compatibility: 'FULL' });
  expect(await ok('GET /config/s?defaultToGlobal=true')).toEqual({ compatibilityLevel: 'FULL' });
  expect(await ok('PUT /config/s', { compatibility: 'NONE' })).toEqual({ compatibility: 'NONE' });
  expect(await ok('GET /config/s')).toEqual({ compatibilityLevel: 'NONE' });
  expect(await ok('DELETE /config/s')).toEqual({ compatibilityLevel: 'NONE' });
  expect(await ok('DELETE /config')).toEqual({ compatibilityLevel: 'FULL' });
  expect(await ok('GET /config')).toEqual({ compatibilityLevel: 'BACKWARD' });
  expect(await ok('GET /mode')).toEqual({ mode: 'READWRITE' });
  expect(await ok('GET /mode/s?defaultToGlobal=true')).toEqual({ mode: 'READWRITE' });
  expect(await ok('PUT /mode', { mode: 'READWRITE' })).toEqual({ mode: 'READWRITE' });
});

test('a log that cannot be reached is 50001; a bug is thrown on', async () => {
  const broken = (error: Error): Hono => {
    const store = createLogSchemaStore({ append: () => Promise.reject(error), read: () => Promise.reject(error) });
    const outer = new Hono();
    outer.onError(() => new Response('{"bug":true}', { status: 500 }));
    return outer.route('/', registryRoutes(store));
  };
  const lost = await broken(new TransientError('Broker 1 is gone')).request('/subjects');
  expect([lost.status, await lost.json()]).toEqual([500, { error_code: 50001, message: 'Broker 1 is gone' }]);
  const late = await broken(new DOMException('The operation timed out', 'TimeoutError')).request('/subjects');
  expect([late.status, await late.json()]).toMatchObject([500, { error_code: 50002 }]);
  expect(await (await broken(new TypeError('bug')).request('/subjects')).json()).toEqual({ bug: true });
});
