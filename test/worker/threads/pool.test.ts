import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { ConnectorFile } from '../../../src/connector/load-file.ts';
import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts';
import type { Log } from '../../../src/log/log.ts';
import type { LogFields, Logger } from '../../../src/observe/logger.ts';
import { serialLog } from '../../../src/worker/serial-log.ts';
import type { RunningTask, TaskPool } from '../../../src/worker/task-pool.ts';
import type { OpenHost } from '../../../src/worker/threads/host.ts';
import { localHost } from '../../../src/worker/threads/local-host.ts';
import { openTaskPool, type TaskPoolOptions } from '../../../src/worker/threads/pool.ts';
import { workerHost, type WorkerHostOptions } from '../../../src/worker/threads/worker-host.ts';
import { newDirectory } from '../../log/embedded/directory.ts';
import { textOf, readOn } from '../../log/records.ts';
import { type BundledThread, bundleThread } from './bundled-thread.ts';
import { makeTestTask } from './test-tasks.ts';

let thread: BundledThread;
const signal: AbortSignal = new AbortController().signal;

beforeAll(async () => {
  thread = await bundleThread('thread-entry.ts');
});
afterAll(async () => await thread[Symbol.asyncDispose]());

function threads(options: WorkerHostOptions = {}): OpenHost {
  return workerHost({ entry: thread.url, ...options });
}

interface Fixture {
  readonly pool: TaskPool;
  readonly lines: { readonly fact: string; readonly fields: LogFields }[];
  readonly start: (name: string) => RunningTask;
}

async function open(openHost: OpenHost, config: Partial<TaskPoolOptions['config']> = {}, log?: Log): Promise<Fixture> {
  const lines: Fixture['lines'] = [];
  const add = (fact: string, fields: LogFields = {}): void => void lines.push({ fact, fields });
  const logger: Logger = { debug: add, info: add, warn: add, error: add };
  const pool = await openTaskPool({
    config: {
      kafka: undefined,
      registry: undefined,
      compression: 'none',
      threads: 2,
      shutdownTimeoutMs: 5000,
      stallTimeoutMs: 60_000,
      ...config,
    },
    daemon: 'daemon',
    log,
    logger,
    openHost,
  });
  onTestFinished(async () => await pool[Symbol.asyncDispose]());
  const start = (name: string): RunningTask => {
    const connector = { name, kind: 'PostgresSink' } as unknown as ConnectorFile;
    return pool.start(connector, { takeOver: false });
  };
  return { pool, lines, start };
}

/** Runs that its status counts. */
const runs = (task: RunningTask): number => {
  const status = task.status();
  return status.kind === 'sink' ? status.counts.commits : -1;
};

for (const [where, host] of [
  ['in this thread', () => localHost(makeTestTask)],
  ['in threads', () => threads()],
] as const) {
  describe(`a pool of tasks ${where}`, () => {
    test('runs a task until it is stopped, and shows and tells what it does', async () => {
      const { start, lines } = await open(host());
      const task = start('steady');
      expect(task.status()).toMatchObject({ name: 'steady', kind: 'sink', state: 'starting' });
      await expect.poll(() => task.status().state).toBe('streaming');
      expect(task.status().stage).toMatchObject({ name: 'testing' });
      await Promise.all([task.stop(), task.stop(), task.ended]);
      expect(task.status()).toMatchObject({ state: 'stopped', stage: { name: 'stopped' } });
      await task.stop();
      expect(lines.map(({ fact }) => fact)).toEqual(['test task runs', 'connector stopped']);
    });

    test('knows a task that ends by itself', async () => {
      const { start } = await open(host());
      const task = start('finishing');
      await task.ended;
      expect(task.status().state).toBe('stopped');
    });

    test('fails a task that cannot be made, and no other', async () => {
      const { start } = await open(host(), { threads: 1 });
      const others = start('steady');
      const task = start('nonsense');
      await task.ended;
      expect(task.status()).toMatchObject({ state: 'failed', failure: { message: 'No behaviour is called nonsense' } });
      await expect.poll(() => others.status().state).toBe('streaming');
    });

    test('fails a task that cannot be handed over, and no other', async () => {
      const { start, pool } = await open(host(), { threads: 1 });
      const others = start('steady');
      const connector = { name: 'steady-odd', kind: 'PostgresSink', config: () => {} } as unknown as ConnectorFile;
      const task = pool.start(connector, { takeOver: false });
      await task.ended;
      expect(task.status()).toMatchObject({ state: 'failed', failure: { message: expect.stringContaining('cloned') } });
      await expect.poll(() => others.status().state).toBe('streaming');
      await task.stop();
    });

    test('gives up a task that does not stop in time', async () => {
      const { start, lines } = await open(host(), { shutdownTimeoutMs: 50 });
      const task = start('stubborn');
      await expect.poll(() => task.status().state).toBe('streaming');
      await task.stop();
      expect(task.status().state).toBe('stopped');
      expect(lines.at(-1)).toMatchObject({ fields: { connector: 'stubborn', shutdownTimeoutMs: 50 } });
    });

    test('stops everything when it is closed', async () => {
      const { start, pool } = await open(host());
      const tasks = ['steady-1', 'steady-2', 'steady-3'].map(start);
      await expect.poll(() => tasks.every((task) => task.status().state === 'streaming')).toBe(true);
      await pool[Symbol.asyncDispose]();
      expect(tasks.map((task) => task.status().state)).toEqual(['stopped', 'stopped', 'stopped']);
    });

    test('lets tasks share one log, each checkpoint naming its own records', async () => {
      await using log = await openEmbeddedLog(await newDirectory());
      const { start, pool } = await open(host(), {}, serialLog(log));
      const tasks = ['publishing-a', 'publishing-b'].map(start);
      const ended = async (): Promise<number> =>
        (await log.topics(['data-publishing-a', 'data-publishing-b'], signal)).size < 2
          ? 0
          : Math.min(
              ...(await Promise.all(
                tasks.map(async (_, i) => (await log.bounds(`data-publishing-${'ab'[i]}`, 0, signal)).end),
              )),
            );
      await expect.poll(ended, { timeout: 10_000 }).toBeGreaterThan(20);
      await pool[Symbol.asyncDispose]();
      for (const name of ['a', 'b']) {
        const { end } = await log.bounds(`checkpoints-publishing-${name}`, 0, signal);
        const cursor = { topic: `checkpoints-publishing-${name}`, partition: 0, offset: 0 };
        const checkpoints = (await readOn(log, cursor, end)).map(textOf);
        expect(checkpoints).toEqual(checkpoints.map((_, i) => `data-publishing-${name} ${i} 1`));
        expect((await log.bounds(`data-publishing-${name}`, 0, signal)).end).toBe(end);
      }
    });
  });
}

describe('a thread', () => {
  for (const [name, reason] of [
    ['crashing', 'A bug outside of every promise'],
    ['exiting', 'it exited with code 3'],
    ['hungry', 'Worker terminated due to reaching memory limit: JS heap out of memory'],
  ] as const) {
    test(`that dies (${name}) is replaced, its tasks go on, and others are not touched`, async () => {
      const { start, lines } = await open(threads({ resourceLimits: { maxOldGenerationSizeMb: 32 } }));
      const task = start(name);
      start('steady-elsewhere');
      const beside = start('steady-beside');
      await expect.poll(() => task.status().state, { interval: 10, timeout: 20_000 }).toBe('retrying');
      expect(task.status()).toMatchObject({
        stage: { name: 'retrying', isWaiting: false },
        failure: { message: `Its thread died: ${reason}` },
      });
      await expect.poll(() => task.status().state, { timeout: 10_000 }).toBe('streaming');
      expect(task.status().failures).toMatchObject({ bug: 1 });
      await expect.poll(() => beside.status().state).toBe('streaming');
      const ran = lines.flatMap(({ fact, fields }) => (fact === 'test task runs' ? [fields.connector] : []));
      expect(ran.slice(3)).toEqual([name, 'steady-beside']);
      expect(lines.filter(({ fact }) => fact === 'worker thread died and is replaced')).toMatchObject([
        { fields: { reason, connectors: `${name}, steady-beside` } },
      ]);
    });
  }

  test('that has to be ended for one task runs its others on, which count on', async () => {
    const { start } = await open(threads(), { threads: 1, shutdownTimeoutMs: 50 });
    const [task, beside] = [start('stubborn'), start('steady')];
    await expect.poll(() => [task, beside].every((each) => each.status().state === 'streaming')).toBe(true);
    await task.stop();
    await expect.poll(() => [beside.status().state, runs(beside)]).toEqual(['streaming', 2]);
  });

  test('that is busy is said not to respond, while others tell on', async () => {
    const { start } = await open(threads(), { stallTimeoutMs: 500 });
    const [busy, other] = [start('busy'), start('steady')];
    await expect
      .poll(() => busy.status().stage, { timeout: 5000 })
      .toMatchObject({
        name: 'thread does not respond',
        isWaiting: false,
      });
    // On a busy machine the other thread may fall silent for a moment too.
    await expect.poll(() => other.status().stage.name).toBe('testing');
    await expect.poll(() => busy.status().stage.name, { timeout: 10_000 }).toBe('testing');
  });

  test('that died may be left by its tasks while it is not replaced yet', async () => {
    const { start } = await open(threads());
    const task = start('crashing');
    await expect.poll(() => task.status().state, { interval: 10 }).toBe('retrying');
    await task.stop();
    expect(task.status()).toMatchObject({ state: 'stopped', failure: undefined });
  });
});
