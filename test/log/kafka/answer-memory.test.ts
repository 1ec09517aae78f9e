import { expect, test } from 'vitest';
import { AnswerMemory } from '../../../src/log/kafka/answer-memory.ts';

const MB = 1024 * 1024;

test('an answer is given the memory of one of about its length that was given back', () => {
  const memory = new AnswerMemory();
  const first = memory.take(4 * MB + 17);
  expect(first).toHaveLength(4 * MB + 17);
  const second = memory.take(4 * MB);
  expect(second.buffer).not.toBe(first.buffer); // that one is still read
  memory.give(first.buffer);
  expect(memory.take(100_000).buffer).not.toBe(first.buffer); // it would hold forty times what it needs
  const third = memory.take(4 * MB + 50);
  expect(third).toHaveLength(4 * MB + 50);
  expect(third.buffer).toBe(first.buffer);
});

test('what is given back twice, or was never taken, is given to nobody', () => {
  const memory = new AnswerMemory();
  const { buffer } = memory.take(MB);
  memory.give(buffer);
  memory.give(buffer);
  expect(memory.take(MB).buffer).toBe(buffer);
  expect(memory.take(MB).buffer).not.toBe(buffer);
  const foreign = Buffer.allocUnsafeSlow(MB).buffer;
  memory.give(foreign);
  expect(memory.take(MB).buffer).not.toBe(foreign);
});

test('a few answers lie idle at most, and small ones are left to the collector', () => {
  const memory = new AnswerMemory();
  const taken = Array.from({ length: 10 }, () => memory.take(4 * MB).buffer);
  for (const each of taken) memory.give(each);
  const again = new Set(Array.from({ length: 10 }, () => memory.take(4 * MB).buffer));
  expect(taken.filter((each) => again.has(each))).toHaveLength(4);
  const small = memory.take(1000);
  memory.give(small.buffer);
  expect(memory.take(64 * 1024).buffer).not.toBe(small.buffer);
});
