import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { run } from '../../src/cli/run.ts';
import { writeDaemonFile } from '../../src/worker/daemon-file.ts';
import type { RestServer } from '../../src/worker/rest/server.ts';
import { FakeDaemon, failedView, serve, sinkView, sourceView } from '../worker/rest/fake-daemon.ts';

const daemon = new FakeDaemon();
let server: RestServer;
let state: string;
beforeAll(async () => {
  server = await serve(daemon);
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'rowcast-control-'));
  await writeDaemonFile(state, { pid: process.pid, url: server.url, version: '1', key: 'k' });
  daemon.changes.length = 0;
  daemon.views = [sinkView(), sourceView()];
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(state, { recursive: true });
});

async function rowcast(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const told = { out: '', err: '' };
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((told.out += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((told.err += String(text)), true));
  const code = await run(args, {});
  vi.restoreAllMocks();
  return { code, ...told };
}

test('a connector is restarted, and the command ends when it runs', async () => {
  expect(await rowcast('restart', 'shop-source', '--state', state)).toEqual({
    code: 0,
    out: 'shop-source is RUNNING\n',
    err: '',
  });
  expect(daemon.changes).toEqual([['restart', 'shop-source']]);
});

test('one that fails is told with what to do, and exit code 1', async () => {
  daemon.views = [failedView()];
  const { code, out } = await rowcast('resume', 'failed-source', '--state', state);
  expect([code, out]).toEqual([1, 'failed-source is FAILED: Slot "s" was invalidated\nTake a new snapshot.\n']);
  expect(daemon.changes).toEqual([['setTarget', 'failed-source', 'RUNNING']]);
  const { out: json } = await rowcast('resume', 'failed-source', '--state', state, '--json');
  expect(JSON.parse(json)).toMatchObject({ name: 'failed-source', connector: { state: 'FAILED' } });
});

test('a name that is not known, and a daemon that does not run, are said', async () => {
  expect(await rowcast('restart', 'shpo', '--state', state)).toMatchObject({
    code: 1,
    err: expect.stringContaining('Unknown connector: shpo') as unknown,
  });
  expect(await rowcast('pause', 'shop-source', '--state', join(state, 'empty'))).toMatchObject({
    code: 1,
    err: expect.stringContaining('No daemon runs on the state directory') as unknown,
  });
});
