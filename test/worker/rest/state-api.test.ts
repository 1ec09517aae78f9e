import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { RestServer } from '../../../src/worker/rest/server.ts';
import { FakeDaemon, failedView, serve, sinkView } from './fake-daemon.ts';

const daemon = new FakeDaemon();
daemon.views = [...daemon.views, failedView(), sinkView({ name: 'asleep', rests: 'STOPPED' })];
let server: RestServer;
beforeAll(async () => {
  server = await serve(daemon);
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => void daemon.changes.splice(0));

async function post(path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(server.url + path, { method: 'POST' });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

test('a restart of what has failed only leaves the others alone', async () => {
  const failed = await post('/connectors/failed-source/restart?onlyFailed=TRUE&includeTasks=true');
  expect(failed).toMatchObject({
    status: 202,
    body: { connector: { state: 'RESTARTING' }, tasks: [{ id: 0, state: 'RESTARTING' }] },
  });
  expect(failed).not.toHaveProperty('body.connector.trace');
  expect(failed).not.toHaveProperty('body.tasks.0.trace');
  expect(daemon.changes).toEqual([['restart', 'failed-source']]);
  const running = await post('/connectors/shop-source/restart?onlyFailed=true');
  expect(running).toMatchObject({ status: 202, body: { connector: { state: 'RUNNING' } } });
  expect(daemon.changes).toHaveLength(1);
});

test('without its tasks only the connector is shown as restarting', async () => {
  expect(await post('/connectors/failed-source/restart?onlyFailed=true')).toMatchObject({
    body: { connector: { state: 'RESTARTING' }, tasks: [{ state: 'FAILED' }] },
  });
});

test('a connector that rests is not shown as restarting', async () => {
  expect(await post('/connectors/asleep/restart?includeTasks=true')).toMatchObject({
    status: 202,
    body: { connector: { state: 'STOPPED' }, tasks: [] },
  });
});

test('a plain restart and one of the task are answered without a body', async () => {
  expect(await post('/connectors/shop-sink/restart')).toEqual({ status: 204, body: undefined });
  expect(await post('/connectors/shop-sink/tasks/0/restart')).toEqual({ status: 204, body: undefined });
  expect(await post('/connectors/shop-sink/tasks/1/restart')).toMatchObject({
    status: 404,
    body: { message: 'Unknown task: shop-sink-1' },
  });
  expect(daemon.changes).toEqual([
    ['restart', 'shop-sink'],
    ['restart', 'shop-sink'],
  ]);
});
