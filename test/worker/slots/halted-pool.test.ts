import { expect, test } from 'vitest';
import { haltedPool } from '../../../src/worker/slots/halted-pool.ts';
import type { RunningTask } from '../../../src/worker/task-pool.ts';
import { source } from '../connectors/fixture.ts';

test('a halted connector fails at its next start with the words given, and the one after that is an ordinary one', async () => {
  const started: string[] = [];
  const task = {} as RunningTask;
  const pool = haltedPool(
    {
      start: ({ name }) => {
        started.push(name);
        return task;
      },
    },
    () => 7,
  );
  const failure = { message: 'Slot "s" was dropped', advice: 'Copy again' };
  pool.halt('a', failure);
  expect(pool.start(source('b.json', 'b', 's'), { takeOver: false })).toBe(task);
  const halted = pool.start(source('a.json', 'a', 's'), { takeOver: true });
  expect(halted.status()).toMatchObject({ state: 'failed', failure, stage: { since: 7 }, failures: { lost: 1 } });
  expect(halted.takesOver()).toBe(true);
  await expect(halted.ask({} as never)).rejects.toThrow('does not run');
  await halted.ended;
  await halted.stop();
  expect(pool.start(source('a.json', 'a', 's'), { takeOver: false })).toBe(task);
  expect(started).toEqual(['b', 'a']);
});
