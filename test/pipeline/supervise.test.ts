import { describe, expect, test } from 'vitest';
import {
  OperatorError,
  OversizeError,
  PositionLostError,
  RecordError,
  ShortageError,
  TransientError,
} from '../../src/errors.ts';
import { supervise, type TaskState } from '../../src/pipeline/supervise.ts';

interface Run {
  readonly states: readonly TaskState[];
  readonly slept: readonly number[];
  readonly thrown: unknown;
}

/** A task that fails with these errors, one run after the other, and then ends. */
async function run(errors: readonly Error[], resumeMs?: number, jitter: () => number = () => 0): Promise<Run> {
  const states: TaskState[] = [];
  const slept: number[] = [];
  const clock = { now: () => 0, monotonic: () => 0, sleep: async (ms: number): Promise<void> => void slept.push(ms) };
  const left = [...errors];
  const task = async (): Promise<void> => {
    const error = left.shift();
    if (error) throw error;
  };
  const onState = (state: TaskState): void => void states.push(state);
  const thrown = await supervise(task, { clock, jitter, onState, resumeMs }, new AbortController().signal).catch(
    (error: unknown) => error,
  );
  return { states, slept, thrown };
}

const times = (count: number, error: Error): Error[] => Array.from({ length: count }, () => error);

describe('what fails for a passing reason', () => {
  test('is tried again with growing delays up to two seconds, half of each left to chance', async () => {
    const { slept, thrown } = await run(times(7, new TransientError('x')), undefined, () => 0);
    expect(slept).toEqual([50, 100, 200, 400, 800, 1000, 1000]);
    expect(thrown).toBeUndefined();
    expect((await run(times(6, new TransientError('x')), undefined, () => 1)).slept).toEqual([
      100, 200, 400, 800, 1600, 2000,
    ]);
  });

  test('is given longer when a server has run out of something', async () => {
    const { slept } = await run(times(12, new ShortageError('Disk full')), undefined, () => 1);
    expect(slept.slice(4)).toEqual([1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000]);
  });
});

describe('what needs a person', () => {
  test('is tried again slowly, and goes on when the person has acted', async () => {
    const error = new OperatorError('No grant');
    const { states, slept, thrown } = await run(times(3, error), 30_000, () => 0.5);
    expect(slept).toEqual([45_000, 45_000, 45_000]);
    expect(thrown).toBeUndefined();
    expect(states.map(({ kind }) => kind)).toEqual([
      ...Array(3).fill(['running', 'failed']).flat(),
      'running',
      'stopped',
    ]);
    expect(states[1]).toEqual({ kind: 'failed', error, resumeMs: 45_000 });
  });

  test('begins with the shortest delay when a passing failure follows', async () => {
    const { slept } = await run([new OperatorError('x'), new TransientError('y')], 30_000);
    expect(slept).toEqual([30_000, 50]);
  });

  test('ends at once where nothing is tried again', async () => {
    const error = new OperatorError('No grant');
    const { states, slept, thrown } = await run([error]);
    expect(thrown).toBe(error);
    expect(slept).toEqual([]);
    expect(states.at(-1)).toEqual({ kind: 'failed', error });
    expect((await run([error], 0)).thrown).toBe(error);
  });
});

test.each([new PositionLostError('x'), new OversizeError('x'), new RecordError('x'), new TypeError('x')])(
  'ends for good with a $name',
  async (error) => {
    const { slept, thrown } = await run([error], 30_000);
    expect(thrown).toBe(error);
    expect(slept).toEqual([]);
  },
);

test('a run that lasted has recovered, whatever was done to the time of day meanwhile', async () => {
  let now = 0;
  let monotonic = 0;
  const attempts: number[] = [];
  let runs = 0;
  const flaky = async (): Promise<void> => {
    now -= 3_600_000;
    monotonic += runs === 2 ? 60_000 : 10;
    if (++runs < 5) throw new TransientError('The connection was lost');
  };
  await supervise(
    flaky,
    {
      clock: { now: () => now, monotonic: () => monotonic, sleep: async () => {} },
      jitter: () => 0,
      onState: (state) => state.kind === 'retrying' && attempts.push(state.attempt),
    },
    new AbortController().signal,
  );
  expect(attempts).toEqual([1, 2, 1, 2]);
});

test('ends when it is told to while it waits for a person', async () => {
  const stop = new AbortController();
  const states: string[] = [];
  const clock = {
    now: () => 0,
    monotonic: () => 0,
    sleep: async (): Promise<void> => {
      stop.abort();
      stop.signal.throwIfAborted();
    },
  };
  const failing = (): Promise<void> => Promise.reject(new OperatorError('No grant'));
  const onState = ({ kind }: TaskState): void => void states.push(kind);
  await supervise(failing, { clock, jitter: () => 0, onState, resumeMs: 1 }, stop.signal);
  expect(states).toEqual(['running', 'failed', 'stopped']);
});
