import { expect, test } from 'vitest';
import { FrameCutter } from '../../../src/source/wal/frame-cutter.ts';
import { keepalive, serverMessage, xLogData } from './fake-walsender.ts';

/** What a cutter says, bytes that are passed on put together again. */
interface Heard {
  readonly frames: readonly (readonly unknown[])[];
  readonly other: string;
}

/** Gives `bytes` to a cutter in pieces, as long as `sizes` says, over and over. */
function heard(bytes: Buffer, sizes: readonly number[]): Heard {
  const frames: unknown[][] = [];
  const others: Buffer[] = [];
  const cutter = new FrameCutter({
    message: (data, start, end, lsn) => frames.push(['message', data.toString('latin1', start, end), lsn, seen()]),
    keepalive: (walEnd, replyRequested) => frames.push(['keepalive', walEnd, replyRequested, seen()]),
    other: (data) => others.push(data),
  });
  const seen = (): number => others.reduce((sum, { length }) => sum + length, 0);
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const room = cutter.room();
    expect(room.length).toBeGreaterThan(0);
    const size = bytes.copy(room, 0, at, at + Math.min(room.length, sizes[i % sizes.length] as number));
    cutter.filled(size);
    room.fill(0xee, 0, cutter.room().buffer === room.buffer ? 0 : size); // what was handed over is not kept
    at += size;
  }
  return { frames, other: Buffer.concat(others).toString('latin1') };
}

const ERROR = serverMessage('E', Buffer.from('SFATAL\0C57P01\0Mterminating\0\0'));
const NOTICE = serverMessage('N', Buffer.from('SNOTICE\0Md is a letter, not a frame\0\0'));
const COPY_DONE = serverMessage('c', Buffer.alloc(0));
const LSN = 0x1f_ffff_0000_0001;

const SAID = [
  NOTICE,
  xLogData(1, Buffer.from('first')),
  xLogData(LSN, Buffer.alloc(0)),
  keepalive(0xffff_ffff, false),
  ERROR,
  xLogData(0x1_0000_0000, Buffer.from('d\0\0\0\x05w')),
  COPY_DONE,
  keepalive(7, true),
  serverMessage('C', Buffer.from('COPY 0\0')),
];
const BYTES = Buffer.concat(SAID);
const WHOLE: Heard = {
  frames: [
    ['message', 'first', 1, NOTICE.length],
    ['message', '', LSN, NOTICE.length],
    ['keepalive', 0xffff_ffff, false, NOTICE.length],
    ['message', 'd\0\0\0\x05w', 0x1_0000_0000, NOTICE.length + ERROR.length],
    ['keepalive', 7, true, NOTICE.length + ERROR.length + COPY_DONE.length],
  ],
  other: Buffer.concat([NOTICE, ERROR, COPY_DONE, serverMessage('C', Buffer.from('COPY 0\0'))]).toString('latin1'),
};

test('tells messages of the stream in order, and passes on all others between them', () => {
  expect(heard(BYTES, [BYTES.length])).toEqual(WHOLE);
});

test('cuts the same wherever the bytes are split', () => {
  for (let at = 1; at < BYTES.length; at++) expect(heard(BYTES, [at, BYTES.length])).toEqual(WHOLE);
  for (let size = 1; size < 60; size++) expect(heard(BYTES, [size])).toEqual(WHOLE);
});

test('cuts messages that are larger than a read, of all sizes', () => {
  const sizes = [130_000, 131_042, 131_043, 200_000, 1_000_000, 1_048_547, 1_100_000, 3_000_000, 10];
  const said = sizes.flatMap((size, i) => [
    xLogData(i + 1, Buffer.alloc(size, 97 + i)),
    serverMessage('N', Buffer.alloc(size / 2, 65 + i)),
  ]);
  const bytes = Buffer.concat(said);
  const all = sizes.map((size, i) => [String.fromCharCode(97 + i), size, i + 1]);
  for (const pieces of [[bytes.length], [65_536], [100, 70_000, 3]]) {
    const { frames, other } = heard(bytes, pieces);
    expect(frames.map(([, text, lsn]) => [(text as string)[0], (text as string).length, lsn])).toEqual(all);
    expect(frames.every(([, text]) => new Set(text as string).size === 1)).toBe(true);
    expect(other === Buffer.concat(said.filter((_, i) => i % 2 === 1)).toString('latin1')).toBe(true);
  }
});

test('gives back the memory of a giant', () => {
  const cutter = new FrameCutter({ message: () => {}, keepalive: () => {}, other: () => {} });
  const usual = cutter.room().length;
  const giant = xLogData(1, Buffer.alloc(5_000_000));
  for (let at = 0; at < giant.length; ) {
    const size = giant.copy(cutter.room(), 0, at);
    cutter.filled(size);
    at += size;
  }
  expect(cutter.room()).toHaveLength(usual);
});

test.each([
  ['a length below its own four bytes', Buffer.from([0x64, 0, 0, 0, 3])],
  ['a length above 1 GB', Buffer.from('HTTP/1.1 400 Bad Request\r\n')],
  ['an unknown kind', serverMessage('d', Buffer.from('x and something'))],
  ['nothing', serverMessage('d', Buffer.alloc(0))],
  ['a header that is cut short', serverMessage('d', Buffer.concat([Buffer.from('w'), Buffer.alloc(23)]))],
  ['a keepalive that is cut short', serverMessage('d', Buffer.concat([Buffer.from('k'), Buffer.alloc(16)]))],
])('refuses a message with %s', (_what, bytes) => {
  expect(() => heard(bytes, [bytes.length])).toThrow(/^The server sent a (replication )?message of /);
});

test('takes no memory for a length before a good part of the message is there', () => {
  const cutter = new FrameCutter({ message: () => undefined, keepalive: () => undefined, other: () => undefined });
  const head = Buffer.from('d\x3f\xff\xff\xffw', 'latin1'); // one gigabyte, it says
  head.copy(cutter.room());
  cutter.filled(head.length);
  expect(cutter.room().length).toBeLessThan(20_000_000);
});

test('a message that is larger than what is taken at first is cut as any other', () => {
  const bytes = Buffer.concat([xLogData(1, Buffer.alloc(40_000_000, 'x')), keepalive(7, true)]);
  const sizes: number[] = [];
  const cutter = new FrameCutter({
    message: (data, start, end) =>
      sizes.push(data.subarray(start, end).equals(Buffer.alloc(40_000_000, 'x')) ? end - start : -1),
    keepalive: (walEnd) => sizes.push(walEnd),
    other: () => undefined,
  });
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.copy(cutter.room(), 0, at);
    cutter.filled(size);
    at += size;
  }
  expect(sizes).toEqual([40_000_000, 7]);
});
