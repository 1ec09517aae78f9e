import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest';
import { run } from '../../src/cli/run.ts';
import { writeDaemonFile } from '../../src/worker/daemon-file.ts';
import type { RestServer } from '../../src/worker/rest/server.ts';
import { FakeDaemon, serve, sinkView, sourceView } from '../worker/rest/fake-daemon.ts';

/** A daemon whose answers the test decides, as commands find it: by its state directory. */
export interface AskedDaemon {
  readonly daemon: FakeDaemon;
  /** New for each test. */
  readonly state: string;
  readonly url: string;
  /** Says in the state directory that it runs, at `url` or elsewhere. */
  runs(url?: string): Promise<AsyncDisposable>;
}

/** For the tests of one file. */
export function askedDaemon(): AskedDaemon {
  const daemon = new FakeDaemon();
  let server: RestServer;
  let state = '';
  beforeAll(async () => {
    server = await serve(daemon);
  });
  afterAll(() => server[Symbol.asyncDispose]());
  beforeEach(async () => {
    state = await mkdtemp(join(tmpdir(), 'rowcast-asked-'));
    daemon.views = [sinkView(), sourceView()];
    daemon.isReady = true;
    daemon.changes.length = 0;
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await rm(state, { recursive: true });
  });
  return {
    daemon,
    get state() {
      return state;
    },
    get url() {
      return server.url;
    },
    runs: (url = server.url) => writeDaemonFile(state, { pid: process.pid, url, version: '1', key: 'k' }),
  };
}

/** Runs a command in this process, and returns what it says. */
export async function rowcast(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const told = { out: '', err: '' };
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((told.out += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((told.err += String(text)), true));
  const code = await run(args, {});
  vi.restoreAllMocks();
  return { code, ...told };
}
