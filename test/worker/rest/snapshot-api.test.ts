import { afterAll, beforeAll, expect, test } from 'vitest';
import { OperatorError, TransientError } from '../../../src/errors.ts';
import type { RestServer } from '../../../src/worker/rest/server.ts';
import { FakeDaemon, serve } from './fake-daemon.ts';

const daemon = new FakeDaemon();
let server: RestServer;
beforeAll(async () => {
  server = await serve(daemon);
});
afterAll(() => server[Symbol.asyncDispose]());

async function ask(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
  const response = await fetch(server.url + path, {
    method,
    ...(body && { body: JSON.stringify(body) }),
    headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
  });
  return { status: response.status, body: (await response.json()) as unknown };
}

const SNAPSHOT = '/connectors/shop-source/snapshot';
const DATA = { 'data-collections': ['public.orders'] };

test('a copy is asked for, stopped, paused and resumed, sequences are synchronised, and answered with 202 and the id', async () => {
  daemon.asked.length = 0;
  daemon.operation = async () => ({ lines: [], value: { connector: 'shop-source', id: 'x' } });
  expect(await ask('POST', SNAPSHOT, DATA)).toEqual({ status: 202, body: { connector: 'shop-source', id: 'x' } });
  expect((await ask('DELETE', SNAPSHOT)).status).toBe(202);
  expect((await ask('DELETE', SNAPSHOT, DATA)).status).toBe(202);
  expect((await ask('PUT', `${SNAPSHOT}/pause`)).status).toBe(202);
  expect((await ask('PUT', `${SNAPSHOT}/resume`)).status).toBe(202);
  expect((await ask('PUT', '/connectors/shop-source/sequences/sync')).status).toBe(202);
  const signal = { kind: 'signal', connector: 'shop-source' };
  expect(daemon.asked).toEqual([
    { ...signal, type: 'execute-snapshot', data: DATA },
    { ...signal, type: 'stop-snapshot', data: {} },
    { ...signal, type: 'stop-snapshot', data: DATA },
    { ...signal, type: 'pause-snapshot', data: {} },
    { ...signal, type: 'resume-snapshot', data: {} },
    { ...signal, type: 'sync-sequences', data: {} },
  ]);
});

test('what cannot be done is answered with the reason, and what is nobody is 404', async () => {
  daemon.operation = async () => {
    throw new OperatorError('data-collections names no table', { advice: 'Name one.' });
  };
  expect(await ask('POST', SNAPSHOT, DATA)).toEqual({
    status: 409,
    body: { error_code: 409, message: 'data-collections names no table', advice: 'Name one.' },
  });
  daemon.operation = async () => {
    throw new TransientError('It was restarted');
  };
  expect((await ask('POST', SNAPSHOT, DATA)).status).toBe(503);
  expect((await ask('POST', '/connectors/nobody/snapshot', DATA)).status).toBe(404);
});

test('only JSON is taken, and nothing from the page of another origin', async () => {
  daemon.asked.length = 0;
  expect((await ask('POST', SNAPSHOT)).status).toBe(415);
  expect((await ask('POST', SNAPSHOT, DATA, { origin: 'http://evil.example' })).status).toBe(403);
  expect(daemon.asked).toEqual([]);
});

test('the way of commands takes the same, and checks every member', async () => {
  daemon.operation = async () => ({ lines: ['done'], value: {} });
  const request = { kind: 'signal', connector: 'shop-source', type: 'execute-snapshot', data: DATA };
  expect((await ask('POST', '/rowcast/v1/operate', request)).status).toBe(200);
  expect(daemon.asked.at(-1)).toEqual(request);
  expect((await ask('POST', '/rowcast/v1/operate', { ...request, type: 'log' })).status).toBe(400);
  expect((await ask('POST', '/rowcast/v1/operate', { ...request, data: [] })).status).toBe(400);
});
