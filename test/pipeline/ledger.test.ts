import { expect, test } from 'vitest';
import type { Log } from '../../src/log/log.ts';
import { checkpointsTopic } from '../../src/log/protocol/topics.ts';
import { readHistory } from '../../src/pipeline/ledger.ts';
import { append, checkpoints, CLAIM, PREFIX, replaced, signal, withLog } from './ledger-world.ts';

/** The same log, which notes the lowest offset that was read, but for single records. */
function watched(log: Log): { log: Log; lowest: () => number } {
  const offsets: number[] = [];
  const read: Log['read'] = async (cursors, ...rest) => {
    offsets.push(...cursors.map(({ offset }) => offset));
    return await log.read(cursors, ...rest);
  };
  return { log: replaced(log, { read }), lowest: () => Math.min(...offsets.filter((offset) => offset > 10)) };
}

test('a long topic is read from near its end, and still tells its owner', async () => {
  await withLog(async (log) => {
    const claim = await append(log, CLAIM);
    await checkpoints(log, claim, 0, 4_000, null);
    const { end } = await log.bounds(checkpointsTopic(PREFIX), 0, signal);
    const view = watched(log);
    const history = await readHistory(view.log, PREFIX, end, signal);
    expect(history.checkpoint?.number).toBe(4_000);
    expect(history.claims.map(({ offset, claim: { daemon } }) => [offset, daemon])).toEqual([[claim, 'one']]);
    expect(history.logId).toBe('log');
    expect(view.lowest()).toBeGreaterThan(3_500);
  });
});

test('checkpoints of an owner that was fenced long ago count for nobody, wherever reading begins', async () => {
  await withLog(async (log) => {
    const old = await append(log, CLAIM);
    const lastOld = await checkpoints(log, old, 0, 3, null);
    const claim = await append(log, { ...CLAIM, daemon: 'two' });
    await checkpoints(log, claim, 4, 2_500, lastOld);
    await checkpoints(log, old, 4_000, 4_002, lastOld); // a zombie's
    const { end } = await log.bounds(checkpointsTopic(PREFIX), 0, signal);
    const history = await readHistory(log, PREFIX, end, signal);
    expect(history.checkpoint?.number).toBe(2_500);
    expect(history.claims.at(-1)?.claim.daemon).toBe('two');
  });
});
