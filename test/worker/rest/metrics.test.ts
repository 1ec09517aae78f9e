import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConnectorView } from '../../../src/worker/rest/daemon-view.ts';
import type { RestServer } from '../../../src/worker/rest/server.ts';
import { brokenView, FakeDaemon, failedView, serve, sinkView, slotView, sourceView } from './fake-daemon.ts';

const daemon = new FakeDaemon();
let server: RestServer;
beforeAll(async () => {
  server = await serve(daemon);
});
afterAll(() => server[Symbol.asyncDispose]());

async function page(): Promise<string> {
  const response = await fetch(`${server.url}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  return await response.text();
}

/** The samples of the page, value by name and labels. */
async function samples(): Promise<Map<string, number>> {
  const lines = (await page()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

test('a source is shown as its status has it', async () => {
  const connector = '{connector="shop-source"}';
  const source = '{connector="shop-source",task="0"}';
  expect(Object.fromEntries(await samples())).toMatchObject({
    [`rowcast_source_changes_total${source}`]: 11,
    [`rowcast_source_records_total${source}`]: 12,
    [`rowcast_source_published_bytes_total${source}`]: 1300,
    [`rowcast_source_checkpoints_total${source}`]: 4,
    [`rowcast_source_transactions_total${source}`]: 5,
    [`rowcast_source_committed_timestamp_seconds${source}`]: 1_700_000_000.5,
    [`rowcast_source_snapshot_ratio${source}`]: 0.25,
    [`rowcast_source_snapshot_rows${source}`]: 30,
    [`rowcast_source_snapshot_tables${source}`]: 4,
    [`rowcast_source_snapshot_tables_done${source}`]: 1,
    [`rowcast_source_lag_seconds${source}`]: 0.25,
    [`rowcast_source_queue_bytes${source}`]: 4096,
    'rowcast_source_table_changes_total{connector="shop-source",task="0",table="public.orders",operation="insert"}': 7,
    'rowcast_source_batch_changes_bucket{connector="shop-source",task="0",le="1"}': 1,
    'rowcast_source_batch_changes_bucket{connector="shop-source",task="0",le="10"}': 1,
    'rowcast_source_batch_changes_bucket{connector="shop-source",task="0",le="100"}': 2,
    'rowcast_source_batch_changes_bucket{connector="shop-source",task="0",le="+Inf"}': 3,
    [`rowcast_source_batch_changes_count${source}`]: 3,
    [`rowcast_source_batch_changes_sum${source}`]: 2_000_051,
    [`rowcast_connector_stage_age_seconds${connector}`]: 0,
    'rowcast_connector_stage{connector="shop-source",stage="waiting for changes"}': 1,
    [`rowcast_connector_healthy${connector}`]: 1,
    [`rowcast_connector_degraded${connector}`]: 0,
    [`rowcast_connector_retries_total${connector}`]: 3,
    [`rowcast_connector_file_problems${connector}`]: 0,
    'rowcast_connector_failures_total{connector="shop-source",kind="transient"}': 3,
    'rowcast_connector_failures_total{connector="shop-source",kind="operator"}': 1,
    'rowcast_connector_failures_total{connector="shop-source",kind="bug"}': 0,
    'rowcast_connector_state{connector="shop-source",state="streaming"}': 1,
    'rowcast_connector_state{connector="shop-source",state="failed"}': 0,
    'rowcast_connector_state{connector="shop-source",state="snapshot"}': 0,
  });
});

test('a sink is shown as its status has it', async () => {
  const found = await samples();
  const operations = { copy: 1, insert: 2, update: 3, delete: 4, key_change: 5 };
  for (const [operation, count] of Object.entries(operations)) {
    expect(found.get(`rowcast_sink_changes_total{connector="shop-sink",task="0",operation="${operation}"}`)).toBe(
      count,
    );
  }
  expect(found.get('rowcast_sink_commits_total{connector="shop-sink",task="0"}')).toBe(6);
  expect(found.get('rowcast_sink_lag_seconds{connector="shop-sink",task="0"}')).toBe(1.5);
  expect(found.get('rowcast_sink_consistent{connector="shop-sink",task="0"}')).toBe(1);
  expect(found.get('rowcast_sink_partial_tables{connector="shop-sink",task="0"}')).toBe(2);
});

test('counters follow the status from scrape to scrape, and connectors that are gone leave no samples', async () => {
  daemon.views = [sinkView({}, { lagMs: undefined })];
  await page();
  daemon.views = [sinkView({}, { lagMs: undefined }), failedView(), brokenView()];
  const found = await samples();
  expect(found.get('rowcast_sink_commits_total{connector="shop-sink",task="0"}')).toBe(6);
  expect(found.has('rowcast_sink_lag_seconds{connector="shop-sink",task="0"}')).toBe(false);
  expect(found.get('rowcast_connector_healthy{connector="failed-source"}')).toBe(0);
  expect(found.get('rowcast_connector_healthy{connector="broken"}')).toBe(0);
  expect(found.get('rowcast_connector_file_problems{connector="broken"}')).toBe(1);
  expect(found.get('rowcast_connector_state{connector="broken",state="failed"}')).toBe(1);
  expect([...found.keys()].filter((name) => name.includes('shop-source'))).toEqual([]);
});

test("the state is the one that Connect's status has, also of what rests or was never started", async () => {
  daemon.views = [
    sourceView({ name: 'paused', rests: 'PAUSED', status: undefined }),
    sourceView({ name: 'asleep', rests: 'STOPPED', status: undefined }),
    sourceView({ name: 'deleted', isDeleted: true, status: undefined }),
    sourceView({ name: 'soon', status: undefined }),
    sourceView({ name: 'copies' }, { state: 'snapshot' }),
    sourceView({ name: 'tries' }, { state: 'retrying' }),
    failedView(),
    brokenView(),
  ];
  const found = [...(await samples())].filter(
    ([name, value]) => name.startsWith('rowcast_connector_state') && value > 0,
  );
  expect(found.map(([name]) => name.match(/"(.*)",state="(.*)"/)?.slice(1))).toEqual([
    ['paused', 'paused'],
    ['asleep', 'stopped'],
    ['deleted', 'stopped'],
    ['soon', 'starting'],
    ['copies', 'snapshot'],
    ['tries', 'retrying'],
    ['failed-source', 'failed'],
    ['broken', 'failed'],
  ]);
  const answer = await fetch(`${server.url}/connectors/paused/status`);
  expect(await answer.json()).toMatchObject({ connector: { state: 'PAUSED' }, tasks: [{ id: 0, state: 'PAUSED' }] });
});

test('a stage that does not wait shows its age', async () => {
  daemon.views = [sourceView({}, { stage: { name: 'publishing', since: Date.now() - 5_000, isWaiting: false } })];
  expect((await samples()).get('rowcast_connector_stage_age_seconds{connector="shop-source"}')).toBeGreaterThanOrEqual(
    5,
  );
});

test('a connector that is tried again shows for how long', async () => {
  daemon.views = [sourceView()];
  const name = 'rowcast_connector_failing_seconds{connector="shop-source"}';
  expect((await samples()).get(name)).toBe(0);
  daemon.views = [sourceView({}, { state: 'retrying' })];
  await expect.poll(async () => (await samples()).get(name), { timeout: 10_000 }).toBeGreaterThan(0);
});

test('a label is quoted as the format demands', async () => {
  daemon.views = [sourceView({ name: 'a"b\\c' }, { name: 'a"b\\c' })];
  expect((await samples()).has('rowcast_source_changes_total{connector="a\\"b\\\\c",task="0"}')).toBe(true);
});

test('build, readiness and the process are shown', async () => {
  const found = await samples();
  expect(found.get(`rowcast_build_info{version="9.8.7",nodejs="${process.versions.node}"}`)).toBe(1);
  expect(found.get('rowcast_ready')).toBe(1);
  expect(found.get('process_resident_memory_bytes')).toBeGreaterThan(0);
});

test('a slot is shown as its watch has seen it, and how far each hop is behind', async () => {
  const slot = slotView({ concern: 'slot "s" keeps much' }, { holder: { kind: 'us' }, level: 'warning' });
  daemon.views = [
    { ...sourceView(), slot },
    { ...sinkView(), walLag: { bytes: 900, transactions: undefined } },
  ];
  const found = await samples();
  expect(Object.fromEntries(found)).toMatchObject({
    'rowcast_slot_retained_bytes{connector="shop-source"}': 200 * 1024 ** 2,
    'rowcast_slot_unconfirmed_bytes{connector="shop-source"}': 100 * 1024 ** 2,
    'rowcast_slot_safe_wal_bytes{connector="shop-source"}': 2 * 1024 ** 3,
    'rowcast_slot_limit_bytes{connector="shop-source"}': 1024 ** 3,
    'rowcast_slot_growth_bytes_per_second{connector="shop-source"}': 1024 ** 2,
    'rowcast_slot_left_seconds{connector="shop-source"}': 824,
    'rowcast_slot_catalog_xmin_age_transactions{connector="shop-source"}': 12,
    'rowcast_slot_active{connector="shop-source"}': 1,
    'rowcast_slot_level{connector="shop-source",level="warning"}': 1,
    'rowcast_slot_level{connector="shop-source",level="ok"}': 0,
    'rowcast_slot_wal_status{connector="shop-source",status="reserved"}': 1,
    'rowcast_slot_wal_status{connector="shop-source",status="lost"}': 0,
    'rowcast_slot_held_back{connector="shop-source",by="us"}': 1,
    'rowcast_source_lag_bytes{connector="shop-source",task="0"}': 100 * 1024 ** 2,
    'rowcast_source_lag_transactions{connector="shop-source",task="0"}': 77,
    'rowcast_sink_lag_bytes{connector="shop-sink",task="0"}': 900,
    'rowcast_connector_degraded{connector="shop-source"}': 1,
  });
  expect(found.has('rowcast_sink_lag_transactions{connector="shop-sink",task="0"}')).toBe(false);
});

/** Everything that can have samples has some. */
function everything(): ConnectorView[] {
  return [
    { ...sourceView(), slot: slotView({}, { holder: { kind: 'us' } }) },
    { ...sinkView(), walLag: slotView().lag },
  ];
}

/** The rules by which `promtool check metrics` judges names and help texts. */
test('names are those that promtool has nothing to say about', async () => {
  daemon.views = everything();
  const text = await page();
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => ({ name: name as string, type }));
  expect(types.length).toBeGreaterThan(20);
  for (const { name, type } of types) {
    expect(text, name).toMatch(new RegExp(`^# HELP ${name} \\S`, 'm'));
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
    expect(name.endsWith('_total'), `${name} is a ${type}`).toBe(type === 'counter');
    if (type === 'gauge') expect(name).not.toMatch(/_(count|sum|bucket)$/);
    expect(name).not.toMatch(/_(counter|gauge|histogram|summary)(_|$)/);
    expect(name).not.toMatch(/_(milliseconds|ms|minutes|hours|kilobytes|megabytes|percent)(_|$)/);
  }
  expect(text).not.toMatch(/[{,](quantile|__name__|job|instance)=/);
  expect(types.filter(({ type }) => type === 'histogram').length).toBeGreaterThanOrEqual(6);
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

test.runIf(hasPromtool)('promtool accepts the page', async () => {
  daemon.views = everything();
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: await page(),
    encoding: 'utf8',
  });
  expect(stdout + stderr).toBe('');
  expect(status).toBe(0);
});
