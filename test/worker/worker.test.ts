import { starting } from '../../src/pipeline/stage.ts';
import { describe, expect, test } from 'vitest';
import { OperatorError, TransientError } from '../../src/errors.ts';
import type { LogFields, Logger } from '../../src/observe/logger.ts';
import { noCommits } from '../../src/worker/counting-sink.ts';
import type { ConnectorStatus } from '../../src/worker/status.ts';
import { type Task, Worker } from '../../src/worker/worker.ts';

/** A clock whose sleeps end at once, so that retries follow each other without waiting. */
const clock = { now: () => 0, sleep: async (_: number, signal: AbortSignal) => signal.throwIfAborted() };

function recorder(): { logger: Logger; lines: { fact: string; fields: LogFields }[] } {
  const lines: { fact: string; fields: LogFields }[] = [];
  const add = (fact: string, fields: LogFields = {}): void => void lines.push({ fact, fields });
  return { logger: { debug: add, info: add, warn: add, error: add }, lines };
}

function task(name: string, run: (signal: AbortSignal) => Promise<void>): Task {
  return {
    name,
    run,
    status: (state, failure) => ({
      kind: 'sink',
      name,
      state: state ?? 'streaming',
      stage: starting(0),
      failure,
      counts: noCommits(),
      lagMs: 1,
    }),
  };
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

function statusOf(worker: Worker, name: string): ConnectorStatus | undefined {
  return worker.statuses().find((status) => status.name === name);
}

describe('a worker', () => {
  test('lets the others go on when a person is needed for one connector', async () => {
    const { logger, lines } = recorder();
    const stop = new AbortController();
    const failing = task('broken', async () => {
      throw new OperatorError('Slot "a" is lost', { advice: 'Make a new one.' });
    });
    const worker = new Worker({ tasks: [failing, task('fine', untilAborted)], clock, logger });
    const running = worker.run(stop.signal);
    await expect.poll(() => statusOf(worker, 'broken')?.state).toBe('failed');
    expect(statusOf(worker, 'broken')?.failure).toEqual({ message: 'Slot "a" is lost', advice: 'Make a new one.' });
    expect(statusOf(worker, 'fine')?.state).toBe('streaming');
    stop.abort();
    await running;
    expect(statusOf(worker, 'broken')?.state).toBe('failed');
    expect(statusOf(worker, 'fine')?.state).toBe('stopped');
    expect(lines.map(({ fact }) => fact)).toEqual(['connector failed', 'connector stopped']);
  });

  test('tries again what fails for a passing reason, and says so once', async () => {
    const { logger, lines } = recorder();
    let runs = 0;
    const flaky = task('flaky', async () => {
      if (++runs < 5) throw new TransientError('The connection was lost');
    });
    const worker = new Worker({ tasks: [flaky], clock, logger });
    await worker.run(new AbortController().signal);
    expect(runs).toBe(5);
    expect(lines.filter(({ fact }) => fact === 'connector failed and is tried again')).toHaveLength(1);
    expect(statusOf(worker, 'flaky')).toMatchObject({ state: 'stopped', failure: undefined });
  });

  test('shows why a connector is being tried again', async () => {
    const stop = new AbortController();
    const waiting = { now: () => 0, sleep: (_: number, signal: AbortSignal) => untilAborted(signal) };
    const flaky = task('flaky', async () => {
      throw new TransientError('The connection was lost', { cause: new Error('ECONNRESET') });
    });
    const worker = new Worker({ tasks: [flaky], clock: waiting, logger: recorder().logger });
    const running = worker.run(stop.signal);
    await expect.poll(() => statusOf(worker, 'flaky')?.state).toBe('retrying');
    expect(statusOf(worker, 'flaky')?.failure?.message).toBe('The connection was lost: ECONNRESET');
    stop.abort();
    await running;
  });

  test('fails a connector with a bug, and keeps the stack for the report', async () => {
    const { logger, lines } = recorder();
    const buggy = task('buggy', async () => {
      throw new TypeError('x is not a function');
    });
    const worker = new Worker({ tasks: [buggy], clock, logger });
    await worker.run(new AbortController().signal);
    expect(statusOf(worker, 'buggy')?.state).toBe('failed');
    expect(lines[0]?.fields.stack).toContain('worker.test.ts');
  });
});
