import pg from 'pg';
import { starting } from '../../src/pipeline/stage.ts';
import { describe, expect, test } from 'vitest';
import {
  OperatorError,
  OversizeError,
  PositionLostError,
  RecordError,
  RefusedError,
  ShortageError,
  TransientError,
  UnknownOutcomeError,
} from '../../src/errors.ts';
import type { LogFields, Logger } from '../../src/observe/logger.ts';
import { noCommits } from '../../src/worker/counting-sink.ts';
import { RETRIED, SupervisedTask } from '../../src/worker/supervised-task.ts';
import { type ConnectorStatus, NO_FAILURES } from '../../src/worker/status.ts';
import type { Task } from '../../src/worker/task.ts';

/** A clock whose sleeps end at once, so that retries follow each other without waiting. */
const clock = {
  now: () => 0,
  monotonic: () => 0,
  sleep: async (_: number, signal: AbortSignal) => signal.throwIfAborted(),
};

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
      failures: NO_FAILURES,
      counts: noCommits(),
      lagMs: 1,
    }),
    memory: () => ({ takeOver: false, stored: undefined }),
  };
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

describe('a supervised task', () => {
  test('ends when a person is needed, and says so', async () => {
    const { logger, lines } = recorder();
    const failing = task('broken', async () => {
      throw new OperatorError('Slot "a" is lost', { advice: 'Make a new one.' });
    });
    const supervised = new SupervisedTask(failing, { clock, logger });
    await supervised.run(new AbortController().signal);
    const failure = { message: 'Slot "a" is lost', advice: 'Make a new one.' };
    expect(supervised.status()).toMatchObject({
      state: 'failed',
      failure,
      stage: { name: 'failed', isWaiting: false },
    });
    expect(supervised.status().failures).toEqual({ ...NO_FAILURES, operator: 1 });
    expect(lines.map(({ fact }) => fact)).toEqual(['connector failed']);
  });

  test.each([
    Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }),
    new Error('Connection terminated unexpectedly'),
    Object.assign(new pg.DatabaseError('terminating connection', 0, 'error'), { code: '57P01' }),
  ])('goes on when a connection breaks under a statement that has no name for it: %s', async (broken) => {
    const { logger, lines } = recorder();
    let runs = 0;
    const breaking = task('cut', async () => {
      if (++runs === 1) throw broken;
    });
    const supervised = new SupervisedTask(breaking, { clock, logger });
    await supervised.run(new AbortController().signal);
    expect(runs).toBe(2);
    expect(supervised.status().failures).toEqual({ ...NO_FAILURES, transient: 1 });
    expect(lines.map(({ fact }) => fact)).toEqual([RETRIED, 'connector stopped']);
  });

  test('shows its own stage while it runs, and that it was stopped', async () => {
    const { logger, lines } = recorder();
    const stop = new AbortController();
    let changes = 0;
    const supervised = new SupervisedTask(task('fine', untilAborted), { clock, logger, onChange: () => changes++ });
    const running = supervised.run(stop.signal);
    await expect.poll(() => supervised.status()).toMatchObject({ state: 'streaming', stage: { name: 'starting' } });
    stop.abort();
    await running;
    expect(supervised.status()).toMatchObject({ state: 'stopped', stage: { name: 'stopped', isWaiting: true } });
    expect(lines.map(({ fact }) => fact)).toEqual(['connector stopped']);
    expect(changes).toBe(2);
  });

  test('tries again what fails for a passing reason, and says so once', async () => {
    const { logger, lines } = recorder();
    let runs = 0;
    const flaky = task('flaky', async () => {
      if (++runs < 5) throw new TransientError('The connection was lost');
    });
    const supervised = new SupervisedTask(flaky, { clock, logger });
    await supervised.run(new AbortController().signal);
    expect(runs).toBe(5);
    expect(lines.filter(({ fact }) => fact === 'connector failed and is tried again')).toHaveLength(1);
    expect(supervised.status()).toMatchObject({ state: 'stopped', failure: undefined });
    expect(supervised.status().failures).toEqual({ ...NO_FAILURES, transient: 4 });
  });

  test('shows why it is tried again, and since when nothing has helped', async () => {
    const stop = new AbortController();
    let now = 1000;
    let slept = 0;
    const waiting = {
      now: () => now,
      monotonic: () => now,
      sleep: (_: number, signal: AbortSignal) => (++slept < 3 ? Promise.resolve() : untilAborted(signal)),
    };
    const flaky = task('flaky', async () => {
      now += 10;
      throw new TransientError('The connection was lost', { cause: new Error('ECONNRESET') });
    });
    const supervised = new SupervisedTask(flaky, { clock: waiting, logger: recorder().logger });
    const running = supervised.run(stop.signal);
    await expect.poll(() => slept).toBe(3);
    expect(supervised.status()).toMatchObject({
      state: 'retrying',
      stage: { name: 'retrying', since: 1010, isWaiting: false },
      failure: { message: 'The connection was lost: ECONNRESET' },
    });
    stop.abort();
    await running;
  });

  test('fails by a bug, and keeps the stack for the report', async () => {
    const { logger, lines } = recorder();
    const buggy = task('buggy', async () => {
      throw new TypeError('x is not a function');
    });
    const supervised = new SupervisedTask(buggy, { clock, logger });
    await supervised.run(new AbortController().signal);
    expect(supervised.status().state).toBe('failed');
    expect(supervised.status().failures).toEqual({ ...NO_FAILURES, bug: 1 });
    expect(lines[0]?.fields.stack).toContain('supervised-task.test.ts');
  });

  test('has failed until it is seen to go on, and says so once', async () => {
    const { logger, lines } = recorder();
    const stop = new AbortController();
    let isGranted = false;
    let runs = 0;
    let state: 'starting' | 'streaming' = 'starting';
    const seen: unknown[] = [];
    const waiting = task('waiting', async (signal) => {
      runs++;
      state = 'starting';
      seen.push(supervised.status().state);
      state = 'streaming';
      if (!isGranted) throw new OperatorError('No grant', { advice: 'Grant it.' });
      seen.push(supervised.status().state);
      counts.commits++;
      await untilAborted(signal);
    });
    const counts = noCommits();
    const honest: Task = {
      ...waiting,
      status: (of, why) => ({ ...waiting.status(of, why), state: of ?? state, counts }) as ConnectorStatus,
    };
    const supervised = new SupervisedTask(honest, {
      clock: { now: () => 0, monotonic: () => 0, sleep: async () => void (isGranted = runs === 3) },
      logger,
      resumeMs: 1,
    });
    const running = supervised.run(stop.signal);
    await expect.poll(() => runs).toBe(4);
    expect(seen).toEqual(['starting', 'failed', 'failed', 'failed', 'failed']);
    expect(supervised.status()).toMatchObject({ state: 'streaming', failure: undefined });
    expect(supervised.status().failures).toEqual({ ...NO_FAILURES, operator: 3 });
    stop.abort();
    await running;
    expect(lines.map(({ fact }) => fact)).toEqual(['connector failed', 'connector stopped']);
    expect(lines[0]?.fields).toMatchObject({ triedAgain: true });
  });

  test.each([
    [new RefusedError('x'), 'refused'],
    [new UnknownOutcomeError('x'), 'unknown'],
    [new PositionLostError('x'), 'lost'],
    [new OversizeError('x'), 'record'],
    [new ShortageError('x'), 'transient'],
  ] as const)('counts %s by whose matter it is', async (error, kind) => {
    let runs = 0;
    const failing = task('failing', async () => {
      if (runs++ === 0) throw error;
    });
    const supervised = new SupervisedTask(failing, { clock, logger: recorder().logger });
    await supervised.run(new AbortController().signal);
    expect(supervised.status().failures).toEqual({ ...NO_FAILURES, [kind]: 1 });
  });

  test('goes on counting from where another thread has left', async () => {
    const before = { ...NO_FAILURES, transient: 2, bug: 1 };
    const odd = task('odd', async () => {
      throw new RecordError('A value does not fit');
    });
    const moved: Task = { ...odd, status: (...of) => ({ ...odd.status(...of), failures: before }) };
    const supervised = new SupervisedTask(moved, { clock, logger: recorder().logger });
    await supervised.run(new AbortController().signal);
    expect(supervised.status().failures).toEqual({ ...before, record: 1 });
  });
});
