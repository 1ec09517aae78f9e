import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RestServer } from '../../../src/worker/rest/server.ts';
import { brokenView, FakeDaemon, failedView, serve, sinkView, sourceView } from './fake-daemon.ts';

const daemon = new FakeDaemon();
const retrying = sourceView(
  { name: 'retrying' },
  { name: 'retrying', state: 'retrying', failure: { message: 'Connection refused', advice: undefined } },
);
const stopped = sinkView({ name: 'stopped' }, { name: 'stopped', state: 'stopped' });
daemon.views = [sourceView(), sinkView(), failedView(), brokenView(), retrying, stopped];
let server: RestServer;
beforeAll(async () => {
  server = await serve(daemon);
});
afterAll(() => server[Symbol.asyncDispose]());

async function get(path: string, init: RequestInit = {}): Promise<{ status: number; body: unknown; headers: Headers }> {
  const response = await fetch(server.url + path, init);
  const text = await response.text();
  expect(response.headers.get('content-type')).toContain('application/json');
  return { status: response.status, body: JSON.parse(text), headers: response.headers };
}

const SOURCE_CONFIG = {
  'connector.class': 'PostgresWalSource',
  'database.password': '********',
  name: 'shop-source',
};

test('the root tells version and cluster', async () => {
  const { status, body } = await get('/');
  expect(status).toBe(200);
  expect(body).toEqual({
    version: '4.1.0',
    commit: 'rowcast-9.8.7',
    kafka_cluster_id: 'cluster-1',
    rowcast: { version: '9.8.7' },
  });
});

test('connectors are listed by name, with and without a slash at the end', async () => {
  const names = daemon.views.map(({ name }) => name);
  expect(await get('/connectors')).toMatchObject({ status: 200, body: names });
  expect(await get('/connectors/')).toMatchObject({ status: 200, body: names });
});

test('connectors are expanded by info and status, and what is not known expands to nothing', async () => {
  const { body } = await get('/connectors?expand=info&expand=status');
  expect(Object.keys(body as object)).toEqual(daemon.views.map(({ name }) => name));
  expect(body).toMatchObject({
    'shop-source': { info: { name: 'shop-source', type: 'source' }, status: { connector: { state: 'RUNNING' } } },
  });
  expect((await get('/connectors?expand=status')).body).not.toHaveProperty('shop-source.info');
  expect((await get('/connectors?expand=bogus')).body).toMatchObject({ 'shop-source': {}, broken: {} });
});

test('a connector is shown with its config, tasks and type', async () => {
  const expected = {
    name: 'shop-source',
    config: SOURCE_CONFIG,
    tasks: [{ connector: 'shop-source', task: 0 }],
    type: 'source',
    rowcast: {
      file: 'connectors/shop-source.json',
      problems: [],
      warnings: ['colour is not a known setting'],
    },
  };
  expect(await get('/connectors/shop-source')).toMatchObject({ status: 200, body: expected });
  expect((await get('/connectors/shop-source/')).body).toEqual(expected);
  expect((await get('/connectors/shop-source/config')).body).toEqual(SOURCE_CONFIG);
});

test('the status has the shape of Connect 4.1, and ours under a key of its own', async () => {
  const { status, body } = await get('/connectors/shop-source/status');
  const state = { state: 'RUNNING', worker_id: server.url.replace('http://', ''), version: '9.8.7' };
  expect(status).toBe(200);
  expect(body).toEqual({
    name: 'shop-source',
    connector: state,
    tasks: [{ id: 0, ...state }],
    type: 'source',
    rowcast: {
      file: 'connectors/shop-source.json',
      problems: [],
      warnings: ['colour is not a known setting'],
      state: 'streaming',
      stage: { name: 'waiting for changes', since: 1000, is_waiting: true },
      failures: expect.objectContaining({ transient: 3, operator: 1, bug: 0 }),
      position: '0000000000000099',
      committed_at: 1_700_000_000_500,
      snapshot: { tables: 4, tables_done: 1, rows: 30, estimated_rows: 120, percent: 25, seconds_left: null },
      counters: {
        changes: 11,
        records: 12,
        bytes: 1300,
        checkpoints: 4,
        transactions: 5,
        multi_table_transactions: 2,
      },
    },
  });
  expect((await get('/connectors/shop-sink/status')).body).toMatchObject({
    type: 'sink',
    rowcast: {
      lag_ms: 1500,
      consistent: true,
      partial: ['public.late', 'public.orders'],
      position: '0000000000000098',
      counters: { commits: 6, copied: 1, inserts: 2, updates: 3, deletes: 4, key_changes: 5 },
    },
  });
});

test('a failed connector is FAILED with message and advice as its trace', async () => {
  const trace = 'Slot "s" was invalidated\nTake a new snapshot.';
  expect((await get('/connectors/failed-source/status')).body).toMatchObject({
    connector: { state: 'FAILED', trace },
    tasks: [{ id: 0, state: 'FAILED', trace }],
  });
});

test('a connector that is tried again is RESTARTING and says why', async () => {
  expect((await get('/connectors/retrying/status')).body).toMatchObject({
    connector: { state: 'RESTARTING', trace: 'Connection refused' },
    tasks: [{ id: 0, state: 'RESTARTING', trace: 'Connection refused' }],
  });
});

test('a stopped connector has no tasks', async () => {
  const { body } = await get('/connectors/stopped/status');
  expect(body).toMatchObject({ connector: { state: 'STOPPED' }, tasks: [] });
  expect((await get('/connectors/stopped/tasks')).body).toEqual([]);
});

test('a file that cannot be used is a FAILED connector with its problems', async () => {
  expect((await get('/connectors/broken/status')).body).toMatchObject({
    connector: { state: 'FAILED', trace: 'connectors/broken.json: connector.class is required' },
    tasks: [],
    type: 'unknown',
    rowcast: { problems: ['connectors/broken.json: connector.class is required'] },
  });
});

test('a connector that waits to be started is UNASSIGNED', async () => {
  daemon.views.push(sourceView({ name: 'soon', status: undefined }));
  const { body } = await get('/connectors/soon/status');
  daemon.views.pop();
  expect(body).toMatchObject({ connector: { state: 'UNASSIGNED' }, tasks: [] });
  expect(body).not.toHaveProperty('connector.trace');
});

test('tasks are shown with the config of their connector', async () => {
  const config = { ...SOURCE_CONFIG, 'task.class': 'PostgresWalSource' };
  const { name: _, ...withoutName } = config;
  expect((await get('/connectors/shop-source/tasks')).body).toEqual([
    { id: { connector: 'shop-source', task: 0 }, config: withoutName },
  ]);
  expect((await get('/connectors/shop-source/tasks-config')).body).toEqual({ 'shop-source-0': withoutName });
  expect((await get('/connectors/shop-source/tasks/0/status')).body).toMatchObject({ id: 0, state: 'RUNNING' });
});

test.each([
  ['/connectors/nope', 'Connector nope not found'],
  ['/connectors/nope/config', 'Connector nope not found'],
  ['/connectors/nope/tasks', 'Connector nope not found'],
  ['/connectors/nope/tasks-config', 'Connector nope not found'],
  ['/connectors/nope/status', 'No status found for connector nope'],
  ['/connectors/nope/tasks/0/status', 'No status found for task nope-0'],
  ['/connectors/shop-source/tasks/1/status', 'No status found for task shop-source-1'],
  ['/connectors/__proto__', 'Connector __proto__ not found'],
  ['/bogus', 'HTTP 404 Not Found'],
  ['/connectors/shop-source/bogus', 'HTTP 404 Not Found'],
])('%s is answered with 404: %s', async (path, message) => {
  expect(await get(path)).toMatchObject({ status: 404, body: { error_code: 404, message } });
});

test('the names of connectors are taken apart from the path as they are encoded', async () => {
  daemon.views.push(sourceView({ name: 'größe+1%' }));
  expect((await get(`/connectors/${encodeURIComponent('größe+1%')}`)).body).toMatchObject({ name: 'größe+1%' });
  daemon.views.pop();
});

test('offsets have the shape of Connect, and what cannot be looked at passes by itself', async () => {
  const offsets = [{ partition: { server: 'shop' }, offset: { lsn: 153 } }];
  daemon.operation = async () => ({ lines: [], value: { 'shop-source': { offsets, rowcast: { owner: 'x' } } } });
  expect(await get('/connectors/shop-source/offsets')).toMatchObject({ status: 200, body: { offsets } });
  expect((await get('/connectors/shop-source/offsets')).body).not.toHaveProperty('rowcast');
  expect(daemon.asked.at(-1)).toEqual({ kind: 'offsets', connector: 'shop-source' });
  daemon.operation = async () => ({ lines: [], value: { 'shop-sink': { offsets: [], error: 'Cannot connect' } } });
  expect(await get('/connectors/shop-sink/offsets')).toMatchObject({
    status: 503,
    body: { message: 'Cannot connect' },
  });
  expect(await get('/connectors/broken/offsets')).toMatchObject({ status: 200, body: { offsets: [] } });
  expect(await get('/connectors/nope/offsets')).toMatchObject({ status: 404 });
});

test('a paused connector has a task that is PAUSED, a stopped one has none, whatever they did before', async () => {
  daemon.views.push(
    sourceView({ name: 'rests', rests: 'PAUSED' }),
    sourceView({ name: 'asleep', rests: 'STOPPED', status: undefined, halted: { message: 'Dropped', advice: 'Copy' } }),
  );
  const paused = (await get('/connectors/rests/status')).body;
  const asleep = (await get('/connectors/asleep/status')).body;
  daemon.views.splice(-2);
  expect(paused).toMatchObject({
    connector: { state: 'PAUSED' },
    tasks: [{ id: 0, state: 'PAUSED' }],
    rowcast: { state: 'paused' },
  });
  expect(asleep).toMatchObject({
    connector: { state: 'STOPPED' },
    tasks: [],
    rowcast: { state: 'stopped', failure: { message: 'Dropped', advice: 'Copy' } },
  });
});

test.each([
  ['GET', '/connectors/shop-source/restart', 'OPTIONS, POST'],
  ['DELETE', '/connectors/', 'GET, HEAD, OPTIONS, POST'],
  ['PUT', '/connectors/shop-source/offsets', 'DELETE, GET, HEAD, OPTIONS, PATCH'],
  ['POST', '/', 'GET, HEAD, OPTIONS'],
  ['POST', '/metrics', 'GET, HEAD, OPTIONS'],
])('%s %s is answered with 405 and what there is: %s', async (method, path, allow) => {
  const { status, body, headers } = await get(path, { method });
  expect({ status, body }).toEqual({ status: 405, body: { error_code: 405, message: 'HTTP 405 Method Not Allowed' } });
  expect(headers.get('allow')).toBe(allow);
});

test('topics are listed by connector, also for a name that nobody knows', async () => {
  expect(await get('/connectors/shop-source/topics')).toMatchObject({
    status: 200,
    body: { 'shop-source': { topics: ['shop.checkpoints', 'shop.public.orders'] } },
  });
  expect(await get('/connectors/nope/topics')).toMatchObject({ status: 200, body: { nope: { topics: [] } } });
});
