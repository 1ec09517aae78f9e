import { expect, test } from 'vitest';
import { AnswerMemory } from '../../../src/log/kafka/answer-memory.ts';
import { FakeCluster } from './fake-cluster.ts';
import { record, recordSet } from '../records.ts';

const LARGE = 1024 * 1024;

test('gives the memory of an answer to the next one that has room in it', () => {
  const memory = new AnswerMemory();
  const first = memory.take(LARGE);
  expect(first).toHaveLength(LARGE);
  const besides = memory.take(LARGE);
  expect(besides.buffer).not.toBe(first.buffer);
  memory.give(first.buffer);
  const larger = memory.take(2 * LARGE);
  expect(larger.buffer).not.toBe(first.buffer);
  const next = memory.take(LARGE - 5);
  expect(next).toHaveLength(LARGE - 5);
  expect(next.buffer).toBe(first.buffer);
  expect(memory.take(LARGE).buffer).not.toBe(first.buffer);
});

test('passes over memory that is not its own: others may look at it still', () => {
  const memory = new AnswerMemory();
  const foreign = Buffer.alloc(LARGE);
  memory.give(foreign.buffer);
  expect(memory.take(LARGE).buffer).not.toBe(foreign.buffer);
  const small = memory.take(100);
  memory.give(small.buffer); // Node.js's pool, of which many have a piece
  expect(memory.take(LARGE).buffer).not.toBe(small.buffer);
});

test('keeps no more than a few answers, and none of a giant row', () => {
  const memory = new AnswerMemory();
  const giant = memory.take(64 * LARGE);
  memory.give(giant.buffer);
  expect(memory.take(LARGE).buffer).not.toBe(giant.buffer);
  const taken = Array.from({ length: 40 }, () => memory.take(LARGE).buffer);
  for (const each of taken) memory.give(each);
  const again = new Set(Array.from({ length: 40 }, () => memory.take(LARGE).buffer));
  expect(taken.filter((each) => again.has(each))).toHaveLength(16);
});

test('takes an answer back when the last of its partitions was released, and not before', async () => {
  const fake = new FakeCluster();
  fake.leaders.set('t', [1, 1, 1]);
  await using log = await fake.open();
  const memory = fake.memory as AnswerMemory;
  const answer = memory.take(LARGE);
  const batch = recordSet([record('found')]).batches[0] as { bytes: Buffer };
  batch.bytes.copy(answer);
  const bytes = answer.subarray(0, batch.bytes.length);
  fake.onFetch = (_node, { partition }) => ({ bytes: partition === 1 ? Buffer.alloc(0) : bytes });
  const cursors = [0, 1, 2].map((partition) => ({ topic: 't', partition, offset: 0 }));
  const fetched = await log.read(cursors, LARGE, 0, new AbortController().signal);
  const filled = fetched.filter((each) => each.bytes.length > 0);
  expect(filled).toHaveLength(2);
  filled[0]?.release?.();
  expect(memory.take(LARGE).buffer).not.toBe(answer.buffer);
  filled[1]?.release?.();
  expect(memory.take(LARGE).buffer).toBe(answer.buffer);
});
