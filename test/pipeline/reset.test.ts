import { expect, test } from 'vitest';
import { TransientError } from '../../src/errors.ts';
import { resetSource } from '../../src/pipeline/reset.ts';
import { systemClock } from '../../src/worker/system-clock.ts';
import type { Log } from '../../src/log/log.ts';
import { append, checkpoints, CLAIM, PREFIX, replaced, signal, withLog } from './ledger-world.ts';

/** Resets; `meanwhile` happens between what the reset reads and what it says. */
async function reset(log: Log, meanwhile: () => Promise<unknown>): Promise<unknown> {
  let isFirst = true;
  const publish: Log['publish'] = async (...args) => {
    if (isFirst) await meanwhile();
    isFirst = false;
    return await log.publish(...args);
  };
  const tools = { log: replaced(log, { publish }), clock: systemClock, random: () => 'r', prefix: PREFIX };
  return await resetSource(tools, 's', signal);
}

test('a reset does not take the log from a daemon that has taken it over meanwhile', async () => {
  await withLog(async (log) => {
    const claim = await append(log, CLAIM);
    const last = await checkpoints(log, claim, 0, 1, null);
    const takenOver = async (): Promise<void> => {
      const other = await append(log, { ...CLAIM, daemon: 'two', nonce: 'm' });
      await checkpoints(log, other, 2, 2, last);
    };
    const failure = await reset(log, takenOver).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TransientError);
    expect(String(failure)).toContain('Another daemon took shop over while it was reset');
  });
});

test('a reset goes on when the owner itself has stored something meanwhile', async () => {
  await withLog(async (log) => {
    const claim = await append(log, CLAIM);
    const last = await checkpoints(log, claim, 0, 1, null);
    const meanwhile = async (): Promise<number> => await checkpoints(log, claim, 2, 2, last);
    expect(await reset(log, meanwhile)).toEqual({ kind: 'reset', position: '2' });
  });
});
