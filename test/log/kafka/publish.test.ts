import { describe, expect, test } from 'vitest';
import { OperatorError, TransientError } from '../../../src/errors.ts';
import { Wakefulness } from '../../../src/log/kafka/wakefulness.ts';
import { texts } from '../records.ts';
import { FakeCluster } from './fake-cluster.ts';

const NOT_LEADER = 6;
const TOPIC_AUTHORIZATION_FAILED = 29;
const signal: AbortSignal = new AbortController().signal;

/** Topic t with partition 0 led by node 1 and partition 1 led by node 2, and a topic for checkpoints. */
function cluster(): FakeCluster {
  const fake = new FakeCluster();
  fake.leaders.set('t', [1, 2]);
  fake.leaders.set('checkpoints', [1]);
  return fake;
}

const both = [texts('t', 0, ['a']), texts('t', 1, ['b'])];

describe('publish', () => {
  test('sends nothing again and rejects when one of two leaders has moved', async () => {
    const fake = cluster();
    fake.onProduce = (node) => (node === 2 ? { errorCode: NOT_LEADER, baseOffset: -1 } : {});
    await using log = await fake.open();
    const publishing = log.publish(both, () => [texts('checkpoints', 0, ['never'])], signal);
    await expect(publishing).rejects.toThrow(TransientError);
    expect(fake.received.filter(({ name }) => name === 'Produce')).toHaveLength(2);
    expect([fake.count('Produce', 1), fake.count('Produce', 2)]).toEqual([1, 1]);
  });

  test('looks the leader up again for the publish after a failed one', async () => {
    const fake = cluster();
    fake.onProduce = (node) => (node === 2 ? { errorCode: NOT_LEADER, baseOffset: -1 } : {});
    await using log = await fake.open();
    await expect(log.publish(both, undefined, signal)).rejects.toThrow(TransientError);
    fake.leaders.set('t', [1, 1]);
    expect((await log.publish(both, undefined, signal)).spans).toHaveLength(2);
    expect(fake.count('Produce', 2)).toBe(1);
  });

  test('sends nothing again and rejects when an answer is lost', async () => {
    const fake = cluster();
    fake.onProduce = () => 'lost';
    await using log = await fake.open();
    const publishing = log.publish([texts('t', 0, ['a'])], () => [texts('checkpoints', 0, ['never'])], signal);
    await expect(publishing).rejects.toThrow(/outcome of a write to Kafka is unknown/);
    expect(fake.count('Produce')).toBe(1);
  });

  test('sends nothing of a process that was stopped, until its task has begun anew', async () => {
    const fake = cluster();
    let now = 0;
    await using log = await fake.open(new Wakefulness({ monotonic: () => now, wall: () => now }));
    await log.publish(both, undefined, signal);
    now += 10_000;
    await expect(log.publish(both, undefined, signal)).rejects.toThrow(TransientError);
    expect([fake.count('Produce', 1), fake.count('Produce', 2)]).toEqual([1, 1]);
    await log.publish(both, undefined, signal);
    expect([fake.count('Produce', 1), fake.count('Produce', 2)]).toEqual([2, 2]);
  });

  test('never uses a connection again that failed', async () => {
    const fake = cluster();
    fake.onProduce = () => 'lost';
    await using log = await fake.open();
    await expect(log.publish([texts('t', 0, ['a'])], undefined, signal)).rejects.toThrow(TransientError);
    const before = { opened: fake.connectionsOpened, closed: fake.connectionsClosed };
    expect(before.closed).toBe(1);
    fake.onProduce = () => ({});
    await log.publish([texts('t', 0, ['a'])], undefined, signal);
    expect(fake.connectionsOpened).toBeGreaterThan(0);
    expect(fake.connectionsClosed).toBe(before.closed);
  });

  test.each([
    ['leaves out a partition', 'missing' as const],
    ['gives no offset', { baseOffset: -1 }],
    ['has an error that nobody knows', { errorCode: 999 }],
  ])('rejects when the answer %s', async (_, said) => {
    const fake = cluster();
    fake.onProduce = (_node, { partition }) => (partition === 1 ? said : {});
    fake.leaders.set('t', [1, 1]);
    await using log = await fake.open();
    await expect(log.publish(both, undefined, signal)).rejects.toThrow(TransientError);
    expect(fake.count('Produce')).toBe(1);
  });

  test('is for a person when the broker says that we may not', async () => {
    const fake = cluster();
    fake.onProduce = () => ({ errorCode: TOPIC_AUTHORIZATION_FAILED, baseOffset: -1 });
    await using log = await fake.open();
    await expect(log.publish(both, undefined, signal)).rejects.toThrow(OperatorError);
  });

  test('refuses a batch above max.message.bytes before anything is sent', async () => {
    const fake = cluster();
    fake.maxMessageBytes = 1000;
    await using log = await fake.open();
    const appends = [texts('t', 0, ['fits']), texts('t', 1, ['x'.repeat(1000)])];
    await expect(log.publish(appends, undefined, signal)).rejects.toThrow(/larger than topic "t" takes \(1000\)/);
    await expect(log.publish(appends, undefined, signal)).rejects.toThrow(OperatorError);
    expect(fake.count('Produce')).toBe(0);
  });

  test('takes a batch after the topic was set to take it', async () => {
    const fake = cluster();
    fake.maxMessageBytes = 1000;
    await using log = await fake.open();
    const append = texts('t', 0, ['x'.repeat(1000)]);
    await expect(log.publish([append], undefined, signal)).rejects.toThrow(OperatorError);
    fake.maxMessageBytes = 2000;
    expect((await log.publish([append], undefined, signal)).spans).toHaveLength(1);
  });

  test('reads the settings of a topic once', async () => {
    const fake = cluster();
    await using log = await fake.open();
    for (let i = 0; i < 3; i++) await log.publish(both, undefined, signal);
    expect(fake.count('DescribeConfigs')).toBe(1);
  });

  test('sends several batches of one partition one after another and says where others wrote in between', async () => {
    const fake = cluster();
    const bases = [10, 12, 40];
    let inFlight = 0;
    fake.onProduce = () => {
      expect(++inFlight).toBe(1);
      queueMicrotask(() => inFlight--);
      return { baseOffset: bases.shift() as number };
    };
    await using log = await fake.open();
    const append = texts(
      't',
      0,
      ['a', 'b', 'c', 'd', 'e', 'f'].map((each) => each.repeat(40)),
      170,
    );
    expect(append.records.batches.map(({ count }) => count)).toEqual([2, 2, 2]);
    expect((await log.publish([append], undefined, signal)).spans).toEqual([
      { topic: 't', partition: 0, base: 10, count: 4 },
      { topic: 't', partition: 0, base: 40, count: 2 },
    ]);
    expect(fake.count('Produce')).toBe(3);
  });

  test('stores no checkpoint before all data are stored', async () => {
    const fake = cluster();
    await using log = await fake.open();
    const order: string[] = [];
    fake.onProduce = (_node, { topic, partition }) => {
      order.push(`${topic}/${partition}`);
      return {};
    };
    await log.publish(both, () => [texts('checkpoints', 0, ['c'])], signal);
    expect(order.slice(0, 2).sort()).toEqual(['t/0', 't/1']);
    expect(order[2]).toBe('checkpoints/0');
  });

  test('ends a request that is under way when it is aborted, and says that the outcome is unknown', async () => {
    const fake = cluster();
    const stop = new AbortController();
    fake.onProduce = () => {
      setImmediate(() => stop.abort(new Error('stopped')));
      return 'silent';
    };
    await using log = await fake.open();
    await expect(log.publish(both, undefined, stop.signal)).rejects.toThrow(TransientError);
    expect(fake.connectionsClosed).toBeGreaterThan(0);
  });
});
