import { describe, expect, test } from 'vitest';
import { OperatorError, TransientError } from '../../../src/errors.ts';
import { readRecords, recordSet, record, textOf } from '../records.ts';
import { FakeCluster } from './fake-cluster.ts';

const OFFSET_OUT_OF_RANGE = 1;
const UNKNOWN_TOPIC_OR_PARTITION = 3;
const NOT_LEADER = 6;
const signal: AbortSignal = new AbortController().signal;
const LONG_MS = 60_000;

function cluster(leaders: number[]): FakeCluster {
  const fake = new FakeCluster();
  fake.leaders.set('t', leaders);
  return fake;
}

const bytes = (recordSet([record('found')]).batches[0] as { bytes: Buffer }).bytes;
const zero = { topic: 't', partition: 0, offset: 0 };
const one = { topic: 't', partition: 1, offset: 0 };

describe('read', () => {
  test('says that history is lost when the leader has no such offset, and asks for no other one', async () => {
    const fake = cluster([1]);
    fake.onFetch = () => ({ errorCode: OFFSET_OUT_OF_RANGE });
    Object.assign(fake.bounds, { start: 20, end: 30 });
    await using log = await fake.open();
    const reading = log.read([{ ...zero, offset: 7 }], 1000, 0, signal);
    await expect(reading).rejects.toThrow('Partition 0 of topic "t" no longer has offset 7: it has 20 to 30');
    await expect(reading).rejects.toThrow(OperatorError);
    const asked = fake.received.filter(({ name }) => name === 'Fetch').flatMap(({ partitions }) => partitions);
    expect(asked.map(({ offset }) => offset)).toEqual([7]);
  });

  test('asks again when the leader was only behind for a moment', async () => {
    const fake = cluster([1]);
    Object.assign(fake.bounds, { start: 0, end: 30 });
    fake.onFetch = () => (fake.count('Fetch') > 1 ? { bytes } : { errorCode: OFFSET_OUT_OF_RANGE });
    await using log = await fake.open();
    expect(await log.read([{ ...zero, offset: 7 }], 1000, 0, signal)).toMatchObject([{ bytes }]);
  });

  test('follows a leader that has moved', async () => {
    const fake = cluster([1]);
    fake.onFetch = (node) => (node === 2 ? { bytes } : { errorCode: NOT_LEADER });
    await using log = await fake.open();
    const reading = log.read([zero], 1000, 0, signal);
    setImmediate(() => fake.leaders.set('t', [2]));
    expect(readRecords((await reading)[0]?.bytes as Buffer).map(textOf)).toEqual(['found']);
  });

  test('gives up for the supervisor to go on when no leader is found', async () => {
    const fake = cluster([1]);
    fake.onFetch = () => ({ errorCode: NOT_LEADER });
    await using log = await fake.open();
    await expect(log.read([zero], 1000, 0, signal)).rejects.toThrow(TransientError);
  });

  test('is for a person when a topic was deleted', async () => {
    const fake = cluster([1]);
    await using log = await fake.open();
    await log.read([zero], 1000, 0, signal);
    fake.onFetch = () => ({ errorCode: UNKNOWN_TOPIC_OR_PARTITION });
    fake.leaders.delete('t');
    await expect(log.read([zero], 1000, 0, signal)).rejects.toThrow('Topic "t" does not exist');
  });

  test('is for a person when a partition does not exist', async () => {
    await using log = await cluster([1]).open();
    await expect(log.read([one], 1000, 0, signal)).rejects.toThrow(OperatorError);
  });

  test('goes on with the leader that has records, and leaves the long poll of the other one under way', async () => {
    const fake = cluster([1, 2]);
    fake.onFetch = (node) => (node === 1 ? { bytes } : {});
    await using log = await fake.open();
    for (let reads = 0; reads < 5; reads++) {
      expect(await log.read([zero, one], 1000, LONG_MS, signal)).toMatchObject([{ partition: 0 }]);
    }
    expect(fake.count('Fetch', 1)).toBe(5);
    expect(fake.count('Fetch', 2)).toBe(1);
  });

  test('hands what a poll brought later to the next read that asks the same', async () => {
    const fake = cluster([1, 2]);
    const late = later();
    fake.onFetch = (node) => (node === 1 ? { bytes } : late.answer);
    await using log = await fake.open();
    expect(await log.read([zero, one], 1000, LONG_MS, signal)).toMatchObject([{ partition: 0 }]);
    fake.onFetch = (node) => (node === 1 ? new Promise(() => undefined) : { bytes });
    late.arrive();
    expect(await log.read([zero, one], 1000, LONG_MS, signal)).toMatchObject([{ partition: 1, bytes }]);
    expect(fake.count('Fetch', 2)).toBe(1);
  });

  test('takes a poll over that was begun with others, but not one whose answer may be larger than wanted', async () => {
    const fake = cluster([1, 2]);
    fake.onFetch = (node) => (node === 1 ? { bytes } : new Promise(() => undefined));
    await using log = await fake.open();
    await log.read([zero, one], 1000, LONG_MS, signal); // at most 500 bytes of each
    const stop = new AbortController();
    const alone = log.read([one], 500, LONG_MS, stop.signal);
    await expect.poll(() => fake.count('Fetch')).toBe(2);
    stop.abort(new Error('stopped'));
    await expect(alone).rejects.toThrow('stopped');
    await log.read([zero, one], 1000, LONG_MS, signal);
    expect(fake.count('Fetch', 2)).toBe(2);
    void log.read([one], 100, LONG_MS, AbortSignal.timeout(1)).catch(() => undefined);
    await expect.poll(() => fake.count('Fetch', 2)).toBe(3);
  });

  test('asks anew when the offsets are others', async () => {
    const fake = cluster([1, 2]);
    fake.onFetch = (node) => (node === 1 ? { bytes } : new Promise(() => undefined));
    await using log = await fake.open();
    await log.read([zero, one], 1000, LONG_MS, signal);
    await log.read([zero, { ...one, offset: 1 }], 1000, LONG_MS, signal);
    expect(fake.count('Fetch', 2)).toBe(2);
  });

  test('asks anew after an abort, so that the bounds are those of now', async () => {
    const fake = cluster([1]);
    const late = later();
    fake.onFetch = () => late.answer;
    await using log = await fake.open();
    const stop = new AbortController();
    const reading = log.read([zero], 1000, LONG_MS, stop.signal);
    await expect.poll(() => fake.count('Fetch')).toBe(1);
    stop.abort(new Error('stopped'));
    await expect(reading).rejects.toThrow('stopped');
    late.arrive();
    fake.onFetch = () => ({ bytes, highWatermark: 12 });
    expect(await log.read([zero], 1000, LONG_MS, signal)).toMatchObject([{ bytes, end: 12 }]);
    expect(fake.connectionsClosed).toBe(0);
  });

  test('asks every partition first in turn', async () => {
    const fake = cluster([1, 1]);
    fake.onFetch = () => ({ bytes });
    await using log = await fake.open();
    for (let reads = 0; reads < 4; reads++) await log.read([zero, one], 1000, 0, signal);
    const firsts = fake.received.filter(({ name }) => name === 'Fetch').map((each) => each.partitions[0]?.partition);
    expect(firsts).toEqual([0, 1, 0, 1]);
  });
});

/** An answer that arrives when the test says so. */
function later(): { answer: Promise<{ bytes: Buffer }>; arrive: () => void } {
  let arrive = (): void => undefined;
  const answer = new Promise<{ bytes: Buffer }>((resolve) => {
    arrive = () => resolve({ bytes });
  });
  return { answer, arrive };
}
