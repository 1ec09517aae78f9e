import { expect, test } from 'vitest';
import type { Log } from '../../src/log/log.ts';
import { checkpointsTopic } from '../../src/log/protocol/topics.ts';
import { readBatches } from '../../src/log/record-reader.ts';
import { setBaseOffset } from '../../src/log/record-set.ts';
import { copyFollows, hasCheckpoint, readHistory } from '../../src/pipeline/ledger.ts';
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

test('a record that is missing before the end stops whoever reads the topic', async () => {
  await withLog(async (log) => {
    const claim = await append(log, CLAIM);
    await checkpoints(log, claim, 0, 3, null);
    const { end } = await log.bounds(checkpointsTopic(PREFIX), 0, signal);
    // The last one is taken for one that stands an offset further on.
    const read: Log['read'] = async (cursors, ...rest) => {
      const fetched = await log.read(cursors, ...rest);
      for (const { bytes } of fetched) {
        const last = [...readBatches(bytes)].at(-1);
        if (last !== undefined) setBaseOffset(bytes.subarray(last.start), end);
      }
      return fetched.map((each) => ({ ...each, end: end + 1 }));
    };
    await expect(readHistory(replaced(log, { read }), PREFIX, end, signal)).rejects.toThrow(
      `lost history: offset ${end - 1} is missing`,
    );
  });
});

test('a checkpoint that was written where the log had lost its end tells whoever owns it', async () => {
  await withLog(async (log) => {
    const claim = await append(log, CLAIM);
    await checkpoints(log, claim, 0, 2, null);
    const { end } = await log.bounds(checkpointsTopic(PREFIX), 0, signal);
    await checkpoints(log, claim, 5, 5, end + 2);
    await expect(readHistory(log, PREFIX, end + 1, signal)).rejects.toThrow(
      `The log of shop lost its tail: its checkpoint 5 follows one at offset ${end + 2}, which is not there`,
    );
  });
});

test('a topic that was emptied is not taken for a new one', async () => {
  await withLog(async (log) => {
    const claim = await append(log, CLAIM);
    await checkpoints(log, claim, 0, 2, null);
    const { end } = await log.bounds(checkpointsTopic(PREFIX), 0, signal);
    const bounds: Log['bounds'] = async () => ({ start: end, end });
    await expect(readHistory(replaced(log, { bounds }), PREFIX, end, signal)).rejects.toThrow(
      `Topic shop.checkpoints lost history: nothing is left of what stood below offset ${end}`,
    );
  });
});

test('a sink finds the checkpoint that it has applied, and no other one at its offset', async () => {
  await withLog(async (log) => {
    const claim = await append(log, CLAIM);
    const checkpointOffset = await checkpoints(log, claim, 0, 2, null);
    const applied = { logId: 'log', claim, number: 2, checkpointOffset };
    expect(await hasCheckpoint(log, PREFIX, applied, signal)).toBe(true);
    for (const other of [{ logId: 'other' }, { claim: claim + 1 }, { number: 3 }, { checkpointOffset: claim }])
      expect(await hasCheckpoint(log, PREFIX, { ...applied, ...other }, signal)).toBe(false);
  });
});

test('a copy that another owner goes on with is none that begins', async () => {
  await withLog(async (log) => {
    const first = await append(log, CLAIM);
    const after = {
      logId: 'log',
      claim: first,
      number: 0,
      checkpointOffset: await checkpoints(log, first, 0, 0, null),
    };
    const second = await append(log, CLAIM);
    const copying = {
      kind: 'checkpoint' as const,
      logId: 'log',
      nonce: 'n',
      claim: second,
      number: 1,
      previous: { offset: after.checkpointOffset, claim: first, position: '0' },
      position: '1',
      spans: [],
      topicIds: {},
      committedAt: 0,
      consistent: false,
    };
    const copy = { fingerprint: 'f', point: '1', begun: 1, tables: 1, open: [], newer: [], rows: 1 };
    await append(log, { ...copying, copy });
    expect(await copyFollows(log, PREFIX, after, signal)).toBe(false);
    await append(log, { ...copying, claim: await append(log, CLAIM), number: 2, nonce: 'm' });
    expect(await copyFollows(log, PREFIX, after, signal)).toBe(true);
  });
});
