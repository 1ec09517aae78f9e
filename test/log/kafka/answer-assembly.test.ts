import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AnswerAssembly } from '../../../src/log/kafka/answer-assembly.ts';

function framed(answer: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(answer.length);
  return Buffer.concat([length, answer]);
}

test('gives away every answer whole, however it was cut, though chunks are overwritten', () => {
  const answers = fc.array(fc.uint8Array({ minLength: 4, maxLength: 300 }), { maxLength: 8 });
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 });
  fc.assert(
    fc.property(answers, sizes, (sent, cuts) => {
      const stream = Buffer.concat(sent.map(framed));
      const taken: Buffer[] = [];
      const assembly = new AnswerAssembly((answer) => taken.push(answer));
      const chunk = Buffer.alloc(50);
      for (let at = 0, n = 0; at < stream.length; n++) {
        const size = stream.copy(chunk, 0, at, at + (cuts[n % cuts.length] as number));
        expect(assembly.push(chunk.subarray(0, size))).toBe(true);
        chunk.fill(0xee);
        at += size;
      }
      expect(taken.map((answer) => answer.toString('hex'))).toEqual(
        sent.map((each) => Buffer.from(each).toString('hex')),
      );
    }),
  );
});

test('puts an answer together that is larger than the room that is made for it at first', () => {
  const sent = Buffer.alloc(40 * 1024 * 1024, 'rows');
  let taken: Buffer | undefined;
  const assembly = new AnswerAssembly((answer) => {
    taken = answer;
  });
  const stream = framed(sent);
  for (let at = 0; at < stream.length; at += 1_000_003) assembly.push(stream.subarray(at, at + 1_000_003));
  expect(taken?.equals(sent)).toBe(true);
});

test('says when what arrives is no answer', () => {
  const assembly = new AnswerAssembly(() => {});
  expect(assembly.push(Buffer.from([0, 0, 0]))).toBe(true);
  expect(assembly.push(Buffer.from([3]))).toBe(false);
});
