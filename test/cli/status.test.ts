import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { run } from '../../src/cli/run.ts';
import { writeDaemonFile } from '../../src/worker/daemon-file.ts';
import type { RestServer } from '../../src/worker/rest/server.ts';
import { brokenView, FakeDaemon, failedView, serve, sinkView, sourceView } from '../worker/rest/fake-daemon.ts';

const daemon = new FakeDaemon();
let server: RestServer;
let state: string;
beforeAll(async () => {
  server = await serve(daemon);
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'rowcast-status-'));
  daemon.views = [sinkView(), sourceView()];
  daemon.isReady = true;
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(state, { recursive: true });
});

async function status(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const told = { out: '', err: '' };
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((told.out += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((told.err += String(text)), true));
  const code = await run(['status', '--state', state, ...args], {});
  vi.restoreAllMocks();
  return { code, ...told };
}

const runs = (url: string | undefined = server.url): Promise<AsyncDisposable> =>
  writeDaemonFile(state, { pid: process.pid, url, version: '1', key: 'k' });

test('connectors that are well are a line each', async () => {
  await runs();
  const { code, out } = await status();
  const [titles, ...lines] = out.trimEnd().split('\n');
  expect(titles).toMatch(/^CONNECTOR +TYPE +STATE +STAGE +SINCE +LAG +CHANGES +POSITION$/);
  expect(lines).toEqual([
    expect.stringMatching(/^shop-sink +sink +streaming +waiting for a checkpoint +\d+ d +1\.5 s +15 +0\/98$/),
    '  lacks rows until they are copied: public.late, public.orders',
    expect.stringMatching(/^shop-source +source +streaming +waiting for changes +\d+ d +- +11 +0\/99$/),
    '  copying: 25 % (1 of 4 tables, 30 rows)',
  ]);
  expect(code).toBe(0);
});

test('what is wrong stands below with what to do, and the exit code says so', async () => {
  await runs();
  daemon.views = [brokenView(), failedView(), sinkView()];
  const { code, out } = await status();
  expect(out).toMatch(
    /^failed-source .*\n {2}copying: .*\n {2}Slot "s" was invalidated\n {2}Take a new snapshot\.\nshop-sink/m,
  );
  expect(out).toMatch(
    /^broken +unknown +invalid .*\n.*connector\.class is required\n {2}Correct connectors\/broken\.json\.$/m,
  );
  expect(code).toBe(1);
  expect((await status('shop-sink')).code).toBe(0);
});

test('a program is told the same', async () => {
  await runs();
  daemon.views = [failedView()];
  const { code, out } = await status('failed-source', '--json');
  expect(JSON.parse(out)).toMatchObject([
    {
      name: 'failed-source',
      type: 'source',
      health: 'unhealthy',
      state: 'failed',
      changes: 11,
      lag_ms: null,
      position: '0000000000000099',
      problem: 'Slot "s" was invalidated',
      remedy: 'Take a new snapshot.',
      failures: { operator: 1 },
    },
  ]);
  expect(code).toBe(1);
});

test('a daemon that is still starting is not well yet', async () => {
  await runs();
  daemon.isReady = false;
  expect((await status()).code).toBe(1);
});

test('says that no daemon runs, or that it cannot be asked', async () => {
  const none = { code: 1, err: expect.stringMatching(/^No daemon runs on the state directory .*\nStart it with/) };
  expect(await status()).toMatchObject(none);
  const gone = await serve(daemon);
  await gone[Symbol.asyncDispose]();
  await runs(gone.url);
  expect(await status()).toMatchObject(none);
  await writeDaemonFile(state, { pid: process.pid, url: undefined, version: '1', key: 'k' });
  expect(await status()).toMatchObject({ code: 1, err: expect.stringContaining('listens nowhere') });
});

test('a name that no connector has is wrong usage', async () => {
  await runs();
  expect(await status('shop-sin')).toMatchObject({ code: 2, err: expect.stringContaining('did you mean shop-sink?') });
});
