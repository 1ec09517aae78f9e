import { expect, test } from 'vitest';
import { FakeCluster } from './fake-cluster.ts';

const signal: AbortSignal = new AbortController().signal;
const spec = { name: 'new', partitions: 1, config: {} };

// The first broker is asked first.
test.each([1, 2])('a new topic exists although broker %i has not heard of it yet', async (node) => {
  const fake = new FakeCluster();
  fake.behind.add(node);
  await using log = await fake.open();
  await log.createTopics([spec], signal);
  expect(fake.count('CreateTopics')).toBe(1);
  expect([...(await log.topics(['new', 'missing'], signal)).keys()]).toEqual(['new']);
  expect(await log.bounds('new', 0, signal)).toEqual({ start: 0, end: 0 });
});

test('a broker that cannot be reached keeps no topic from being made', async () => {
  const fake = new FakeCluster();
  fake.down.add(2);
  await using log = await fake.open();
  await log.createTopics([spec], signal);
  expect([...(await log.topics(['new', 'missing'], signal)).keys()]).toEqual(['new']);
});
