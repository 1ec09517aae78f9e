import { expect, test } from 'vitest';
import type { ConnectorView } from '../../../src/worker/rest/daemon-view.ts';
import { FailureMemory } from '../../../src/worker/rest/failure-memory.ts';
import { type Health, type HealthStatus, judge } from '../../../src/worker/rest/health.ts';
import type { ConnectorState } from '../../../src/worker/status.ts';
import { brokenView, FakeDaemon, failedView, serve, sinkView, slotView, sourceView } from './fake-daemon.ts';

const NOW = 10_000_000;
const STALL = 60_000;

function at(state: ConnectorState, name: string, ageMs: number, isWaiting: boolean): ConnectorView {
  const failure = state === 'retrying' ? { message: 'Connection refused', advice: undefined } : undefined;
  return sourceView({}, { state, failure, stage: { name, since: NOW - ageMs, isWaiting } });
}

const table: [string, ConnectorView, HealthStatus, string][] = [
  ['streams and waits for long', at('streaming', 'waiting for changes', 10 * STALL, true), 'healthy', ''],
  ['is at a stage until the timeout', at('streaming', 'publishing', STALL, false), 'healthy', ''],
  [
    'stands for longer',
    at('streaming', 'publishing', STALL + 1, false),
    'unhealthy',
    'has been at "publishing" for 60 s',
  ],
  ['stands in its snapshot', at('snapshot', 'copying', 2 * STALL, false), 'unhealthy', 'at "copying" for 120 s'],
  ['stands at its start', at('starting', 'connecting', 2 * STALL, false), 'unhealthy', 'at "connecting" for 120 s'],
  [
    'has a silent thread',
    at('streaming', 'thread does not respond', STALL + 1, false),
    'unhealthy',
    'does not respond',
  ],
  ['has just failed, at an old stage', at('retrying', 'publishing', 2 * STALL, false), 'healthy', ''],
  ['was deleted, but has its file still', sourceView({ status: undefined, isDeleted: true }), 'healthy', ''],
  ['was stopped long ago', at('stopped', 'publishing', 2 * STALL, false), 'healthy', ''],
  ['has failed', failedView(), 'unhealthy', 'has failed at "waiting for changes": Slot "s" was invalidated'],
  [
    'has failed, at no stage',
    sourceView({}, { state: 'failed', stage: { name: 'failed', since: NOW, isWaiting: false } }),
    'unhealthy',
    'has failed: unknown',
  ],
  ['never ran', brokenView(), 'unhealthy', 'does not run: connectors/broken.json: connector.class is required'],
  ['is about to be started', sourceView({ status: undefined }), 'healthy', ''],
  [
    'runs an earlier configuration',
    sourceView({ problems: ['slot.name must not be empty'] }),
    'degraded',
    'runs an earlier configuration: slot.name must not be empty',
  ],
  [
    'waits while its slot fills',
    { ...at('streaming', 'waiting for changes', 10, true), slot: slotView({ concern: 'slot "s" keeps 9 GB of WAL' }) },
    'degraded',
    'needs a look: slot "s" keeps 9 GB of WAL',
  ],
  [
    'waits for a server that decodes for long',
    { ...at('streaming', 'waiting for changes', 10, true), slot: slotView({ standsSince: NOW - 2 * STALL }) },
    'degraded',
    'has read nothing for 120 s, though 100 MB of WAL wait',
  ],
  [
    'waits although the server has sent something',
    {
      ...at('streaming', 'waiting for changes', 10, true),
      slot: slotView({ standsSince: NOW - 2 * STALL }, { holder: { kind: 'us' } }),
    },
    'unhealthy',
    'has read nothing for 120 s',
  ],
  [
    'publishes while its slot stands',
    { ...at('streaming', 'publishing', 10, false), slot: slotView({ standsSince: NOW - 2 * STALL }) },
    'healthy',
    '',
  ],
];

test.each(table)('a connector that %s is judged', (_, view, status, message) => {
  const health = judge([sinkView(), view], NOW, STALL);
  expect(health.status).toBe(status);
  expect(health.connectors).toHaveLength(2);
  expect(health.connectors[0]).toMatchObject({ name: 'shop-sink', status: 'healthy' });
  expect(health.connectors[1]).toMatchObject({ name: view.name, status });
  if (status === 'healthy') expect(health.message).toBe('All connectors make progress');
  else expect(health.message).toContain(`Connector ${view.name} ${health.connectors[1]?.message}`);
  expect(health.connectors[1]?.message ?? '').toContain(message);
  const stage = message.includes('read nothing') ? 'reading' : view.status?.stage.name;
  if (status === 'unhealthy') expect(health.connectors[1]?.stage).toBe(stage);
});

test('a connector that fails again and again for longer than the timeout is unhealthy, also between its failures', () => {
  for (const state of ['retrying', 'starting', 'streaming'] as const) {
    const views = [at(state, 'connecting', 10, false)];
    expect(judge(views, NOW, STALL, new Map([['shop-source', STALL]])).status).toBe('healthy');
    const late = judge(views, NOW, STALL, new Map([['shop-source', STALL + 1]]));
    expect(late.status).toBe('unhealthy');
    expect(late.message).toContain('Connector shop-source has been failing for 60 s at "connecting"');
  }
});

test('the worst connector decides, and all that are as bad are named', () => {
  const degraded = sourceView({ name: 'old', problems: ['broken'] });
  const { status, message } = judge([degraded, failedView(), brokenView(), sinkView()], NOW, STALL);
  expect(status).toBe('unhealthy');
  expect(message).toContain('failed-source');
  expect(message).toContain('broken does not run');
  expect(message).not.toContain('Connector old');
});

test('no connectors are a healthy daemon', () => {
  expect(judge([], NOW, STALL)).toMatchObject({ status: 'healthy', connectors: [] });
});

test('failures are remembered from the first one until it has run for a while', () => {
  const memory = new FailureMemory();
  const observe = (state: ConnectorState, now: number): number | undefined => {
    memory.observe([sourceView({}, { state })], now);
    return memory.durations.get('shop-source');
  };
  expect(observe('streaming', 0)).toBeUndefined();
  expect(observe('retrying', 1_000)).toBe(0);
  expect(observe('starting', 2_000)).toBe(1_000);
  expect(observe('streaming', 3_000)).toBe(1_000);
  expect(observe('streaming', 30_000)).toBe(1_000);
  expect(observe('retrying', 31_000)).toBe(30_000);
  expect(observe('starting', 50_000)).toBe(49_000);
  expect(observe('streaming', 79_999)).toBe(49_000);
  expect(observe('streaming', 80_000)).toBeUndefined();
  expect(observe('retrying', 90_000)).toBe(0);
  expect(observe('failed', 91_000)).toBeUndefined();
});

test('a connector that waits too long to be started is unhealthy', () => {
  const memory = new FailureMemory();
  const views = [sourceView({ status: undefined })];
  const judgeAt = (now: number): Health => {
    memory.observe(views, now);
    return judge(views, now, STALL, memory.durations);
  };
  judgeAt(NOW);
  expect(judgeAt(NOW + STALL).status).toBe('healthy');
  expect(judgeAt(NOW + STALL + 1)).toMatchObject({
    status: 'unhealthy',
    message: 'Connector shop-source has not been started for 60 s',
  });
  memory.observe([failedView()], NOW + 2 * STALL);
  expect(memory.durations.size).toBe(0);
});

test('a failure that is over makes nobody unhealthy, however short the timeout', () => {
  const memory = new FailureMemory();
  memory.observe([sourceView({}, { state: 'retrying' })], NOW);
  memory.observe([sourceView()], NOW + 10_000);
  expect(judge([sourceView()], NOW + 10_000, 1_000, memory.durations).status).toBe('healthy');
});

test('a connector that was removed is forgotten', () => {
  const memory = new FailureMemory();
  memory.observe([sourceView({}, { state: 'retrying' })], 1);
  memory.observe([], 2);
  memory.observe([sourceView({}, { state: 'retrying' })], 3);
  expect(memory.durations.get('shop-source')).toBe(0);
});

test.each<[string, ConnectorView[], boolean, number, string]>([
  ['while it starts', [failedView()], false, 503, 'starting'],
  ['when all is well', [sourceView(), sinkView()], true, 200, 'healthy'],
  ['when a file has problems', [sourceView({ problems: ['broken'] })], true, 200, 'degraded'],
  ['when a connector has failed', [sourceView(), failedView()], true, 503, 'unhealthy'],
])('health is told %s', async (_, views, isReady, code, status) => {
  const daemon = new FakeDaemon();
  Object.assign(daemon, { views, isReady });
  await using server = await serve(daemon);
  for (const path of ['/health', '/health/']) {
    const answer = await fetch(server.url + path);
    expect(answer.status).toBe(code);
    const body = (await answer.json()) as { connectors: unknown[] };
    expect(body).toMatchObject({ status, message: expect.any(String) });
    expect(body.connectors).toHaveLength(isReady ? views.length : 0);
  }
});

test('readiness is about having started, whatever became of the connectors', async () => {
  const daemon = new FakeDaemon();
  daemon.views = [failedView()];
  daemon.isReady = false;
  await using server = await serve(daemon);
  expect((await fetch(`${server.url}/ready`)).status).toBe(503);
  daemon.isReady = true;
  expect((await fetch(`${server.url}/ready`)).status).toBe(200);
});

test('a connector that is tried again for longer than the timeout becomes unhealthy while the server runs', async () => {
  const daemon = new FakeDaemon();
  daemon.views = [sourceView({}, { state: 'retrying', failure: { message: 'Refused', advice: undefined } })];
  await using server = await serve(daemon, {}, { stallTimeoutMs: 20 });
  await expect
    .poll(async () => (await fetch(`${server.url}/health`)).status, { timeout: 10_000, interval: 20 })
    .toBe(503);
});

test('a connector that rests is healthy, unless its file or its slot needs a look', () => {
  const rests = sourceView({ rests: 'PAUSED', status: undefined });
  expect(judge([rests], NOW, 1000).status).toBe('healthy');
  const halted = { ...rests, halted: { message: 'Slot "s" was dropped', advice: 'Copy again' } };
  expect(judge([halted], NOW, 1000)).toMatchObject({
    status: 'degraded',
    message: 'Connector shop-source is paused, and cannot go on: Slot "s" was dropped',
  });
  const wrong = { ...rests, problems: ['shop.json: is not JSON'] };
  expect(judge([wrong], NOW, 1000)).toMatchObject({
    status: 'degraded',
    message: 'Connector shop-source has a file that cannot be used: shop.json: is not JSON',
  });
  const keeps = { ...rests, slot: slotView({ concern: 'slot "s" keeps 900 MB of WAL' }) };
  expect(judge([keeps], NOW, 1000)).toMatchObject({
    status: 'degraded',
    message: 'Connector shop-source is paused, and needs a look: slot "s" keeps 900 MB of WAL',
  });
});
