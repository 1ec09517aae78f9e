import { beforeEach, expect, test } from 'vitest';
import type { Fetched } from '../../src/log/log.ts';
import { RecordReader } from '../../src/log/record-reader.ts';
import { HeldAnswers } from '../../src/pipeline/held-answers.ts';

let released: string[];
let answers: HeldAnswers;

beforeEach(() => {
  released = [];
  answers = new HeldAnswers();
});

/** An answer with bytes of two partitions, held. */
function held(name: string): RecordReader[] {
  const memory = Buffer.allocUnsafeSlow(64);
  const release = (): void => void released.push(name);
  const parts = [memory.subarray(0, 32), memory.subarray(32)];
  for (const bytes of parts) answers.hold({ bytes, release });
  return parts.map((bytes) => new RecordReader(bytes));
}

test('an answer is given back once, when the last of its partitions was read', () => {
  const [first, second] = held('a');
  const [other] = held('b');
  answers.keep([first, second, other]);
  answers.keep([undefined, second, other]);
  expect(released).toEqual([]);
  answers.keep([other]);
  expect(released).toEqual(['a']);
  answers.keep([]);
  answers.keep([]);
  expect(released).toEqual(['a', 'b']);
});

test('a reader that walks a copy holds nothing', () => {
  const [first, second] = held('a');
  second?.compact();
  answers.keep([second]);
  expect(released).toEqual(['a']);
  expect(first?.next()).toBe(false);
});

test('a log that gives nothing to be given back is left alone', () => {
  const nothing: Pick<Fetched, 'bytes' | 'release'> = { bytes: Buffer.alloc(0), release: () => released.push('c') };
  answers.hold({ bytes: Buffer.alloc(10) });
  answers.hold(nothing);
  answers.keep([]);
  expect(released).toEqual([]);
});
