import { expect, test } from 'vitest';
import { type Dialogue, kafkaDialogue, opaque, postgresDialogue } from '../../src/torture/dialogues.ts';

/** Each answer's text and what it answers, of what a server sends in pieces of so many bytes. */
function told(dialogue: Dialogue, bytes: Buffer, size: number): [number, string | undefined][] {
  const answers: [number, string | undefined][] = [];
  for (let at = 0; at < bytes.length; at += size)
    for (const { bytes: each, to } of dialogue.answered(bytes.subarray(at, at + size))) answers.push([each.length, to]);
  return answers;
}

function kafkaRequest(api: number, number: number, more: number = 3): Buffer {
  const frame = Buffer.alloc(12 + more);
  frame.writeInt32BE(frame.length - 4, 0);
  frame.writeInt16BE(api, 4);
  frame.writeInt32BE(number, 8);
  return frame;
}

function kafkaAnswer(number: number, more: number): Buffer {
  const frame = Buffer.alloc(8 + more);
  frame.writeInt32BE(frame.length - 4, 0);
  frame.writeInt32BE(number, 4);
  return frame;
}

function postgresMessage(type: string, body: string): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, 0, 'latin1');
  head.writeInt32BE(4 + body.length, 1);
  return Buffer.concat([head, Buffer.from(body, 'latin1')]);
}

test.each([1, 5, 1000])('tells what Kafka answers, in pieces of %i bytes', (size) => {
  const dialogue = kafkaDialogue();
  const asked = Buffer.concat([kafkaRequest(3, 1), kafkaRequest(0, 2, 100), kafkaRequest(1, 3)]);
  for (let at = 0; at < asked.length; at += size) dialogue.asked(asked.subarray(at, at + size));
  const answers = Buffer.concat([kafkaAnswer(1, 0), kafkaAnswer(3, 50), kafkaAnswer(2, 7)]);
  expect(told(dialogue, answers, size)).toEqual([
    [8, undefined],
    [58, 'Fetch'],
    [15, 'Produce'],
  ]);
});

test.each([1, 7, 1000])('tells the end of COMMIT, in pieces of %i bytes', (size) => {
  const dialogue = postgresDialogue();
  dialogue.asked(Buffer.from('0000000804d2162f', 'hex'));
  expect(told(dialogue, Buffer.from('N'), 1)).toEqual([[1, undefined]]);
  dialogue.asked(Buffer.from('any startup message'));
  const row = postgresMessage('D', 'COMMIT\0');
  const answers = [postgresMessage('C', 'BEGIN\0'), row, postgresMessage('C', 'COMMIT\0'), postgresMessage('Z', 'I')];
  expect(told(dialogue, Buffer.concat(answers), size).map(([, to]) => to)).toEqual([
    undefined,
    undefined,
    'COMMIT',
    undefined,
  ]);
});

test('a server that is asked without TLS has no bare answer', () => {
  const dialogue = postgresDialogue();
  dialogue.asked(Buffer.from('any startup message'));
  expect(told(dialogue, postgresMessage('C', 'COMMIT\0'), 1000)).toEqual([[12, 'COMMIT']]);
});

test('of an unknown protocol everything passes as it comes', () => {
  expect(opaque().answered(Buffer.from('abc'))).toEqual([{ bytes: Buffer.from('abc'), to: undefined }]);
});
