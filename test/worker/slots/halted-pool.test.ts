import { expect, test } from 'vitest';
import { haltedPool } from '../../../src/worker/slots/halted-pool.ts';
import type { RunningTask } from '../../../src/worker/task-pool.ts';
import { source } from '../connectors/fixture.ts';

test('a connector that something stands against fails at each start with the words given, the others start', async () => {
  const task = {} as RunningTask;
  const failure = { message: 'Slot "s" was dropped', advice: 'Copy again', slot: 's' };
  const against = new Map([['a', failure]]);
  const pool = haltedPool(
    { start: () => task },
    ({ name }) => against.get(name),
    () => 7,
  );
  expect(pool.start(source('b.json', 'b', 's'), { takeOver: false })).toBe(task);
  for (const takeOver of [true, false]) {
    const halted = pool.start(source('a.json', 'a', 's'), { takeOver });
    expect(halted.status()).toMatchObject({
      state: 'failed',
      failure: { message: failure.message, advice: failure.advice },
      stage: { since: 7 },
      failures: { lost: 1 },
    });
    expect(halted.takesOver()).toBe(takeOver);
    await expect(halted.ask({} as never)).rejects.toThrow('does not run');
    await halted.ended;
    await halted.stop();
  }
  against.clear();
  expect(pool.start(source('a.json', 'a', 's'), { takeOver: false })).toBe(task);
});
