import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Batch } from '../../../src/change/batch.ts';
import { decodeMessage, type PgoutputListener } from '../../../src/source/wal/decoder.ts';
import { appendTuple, HAS_UNCHANGED, HAS_UNEXPECTED_NULL, tupleEnd } from '../../../src/source/wal/tuple.ts';
import * as message from './pgoutput-bytes.ts';

/** Writes down what it hears. */
function recorder(): { heard: unknown[]; listener: PgoutputListener } {
  const heard: unknown[] = [];
  const tell =
    (name: string) =>
    (...args: unknown[]): void =>
      void heard.push([name, ...args.filter((arg) => !Buffer.isBuffer(arg))]);
  const listener = {
    begin: tell('begin'),
    commit: tell('commit'),
    relation: tell('relation'),
    insert: tell('insert'),
    update: tell('update'),
    delete: tell('delete'),
    truncate: tell('truncate'),
  };
  return { heard, listener };
}

function decode(bytes: Buffer): unknown[] {
  const { heard, listener } = recorder();
  decodeMessage(bytes, 0, bytes.length, listener);
  return heard;
}

const RELATION = {
  relationId: 7,
  schema: 'public',
  name: 't',
  identity: 'd',
  columns: [
    { name: 'id', isKey: true, typeId: 23, modifier: -1 },
    { name: 'ü', isKey: false, typeId: 1043, modifier: 24 },
  ],
};

test('decodes every message of protocol version 1', () => {
  expect(decode(message.begin(2 ** 40 + 5, -1, 4_000_000_000))).toEqual([
    ['begin', 2 ** 40 + 5, 946_684_799_999_999, 4_000_000_000],
  ]);
  expect(decode(message.commit(5, 2 ** 33))).toEqual([['commit', 5, 2 ** 33]]);
  expect(decode(message.relation(RELATION))).toEqual([['relation', RELATION]]);
  expect(decode(message.insert(7, ['1', null]))).toEqual([['insert', 7, 6, 15]]);
  expect(decode(message.update(7, '', undefined, ['1']))).toEqual([['update', 7, '', -1, 6, 14]]);
  expect(decode(message.update(7, 'K', ['1'], ['22']))).toEqual([['update', 7, 'K', 6, 15, 24]]);
  expect(decode(message.remove(7, 'O', ['1']))).toEqual([['delete', 7, 'O', 6, 14]]);
  expect(decode(message.truncate([7, 8], 3))).toEqual([['truncate', [7, 8], true, true]]);
});

test('passes over types, origins, logical messages and what was rolled back', () => {
  for (const kind of ['Y', 'O', 'M', 'A']) expect(decode(Buffer.from(`${kind}whatever`))).toEqual([]);
});

test('names a message that was not asked for', () => {
  for (const kind of ['S', 'E', 'c', 'b', 'P', 'K', 'r', 'p', '?']) {
    expect(() => decode(Buffer.from(`${kind}1234567890`))).toThrow(`unknown kind "${kind}"`);
  }
  expect(() => decode(Buffer.alloc(0))).toThrow('cut short');
});

const text = fc.option(fc.oneof(fc.string(), fc.constant(undefined)), { nil: null });
const tuple = fc.array(text, { minLength: 1, maxLength: 5 });
const anyMessage = fc.oneof(
  fc.tuple(tuple).map(([row]) => message.insert(1, row)),
  fc.tuple(tuple, tuple).map(([old, row]) => message.update(1, 'O', old, row)),
  fc.tuple(tuple).map(([old]) => message.remove(1, 'K', old)),
  fc.constant(message.relation(RELATION)),
  fc.constant(message.begin(1, 1, 1)),
  fc.constant(message.commit(1, 1)),
  fc.constant(message.truncate([1, 2], 0)),
);

/** Decodes with a listener that reads the tuples as the assembler does, in memory where other bytes follow the message. */
function consume(bytes: Buffer, size: number): void {
  const batch = new Batch(1, 1, 1);
  const read = (at: number, end: number): void => {
    const columns = at + 2 <= end ? bytes.readUInt16BE(at) : 0;
    appendTuple(batch, bytes, at, end, { keep: new Uint8Array(columns).fill(1), required: new Uint8Array(columns) });
  };
  decodeMessage(bytes, 0, size, {
    ...recorder().listener,
    insert: (_id, _bytes, after, end) => read(after, end),
    update: (_id, _bytes, _old, before, after, end) => {
      if (before >= 0) read(before, after - 1);
      read(after, end);
    },
    delete: (_id, _bytes, _old, before, end) => read(before, end),
  });
}

test('never reads past the end of a message that is cut short, and says so', () => {
  fc.assert(
    fc.property(anyMessage, fc.nat(), (bytes, cut) => {
      consume(bytes, bytes.length);
      const size = cut % bytes.length;
      expect(() => consume(Buffer.concat([bytes.subarray(0, size), Buffer.alloc(64, 0x74)]), size)).toThrow(
        /cut short|no old tuple|longer/,
      );
    }),
  );
});

test('survives any bytes with an error, never with anything else', () => {
  fc.assert(
    fc.property(fc.constantFrom('I', 'U', 'D', 'B', 'C', 'R', 'T'), fc.uint8Array({ maxLength: 60 }), (kind, rest) => {
      const bytes = Buffer.concat([Buffer.from(kind), rest]);
      try {
        consume(bytes, bytes.length);
      } catch (error) {
        expect((error as Error).message).toMatch(/^(A p|P)goutput/);
      }
    }),
    { numRuns: 2000 },
  );
});

test('appends a tuple as cells, leaves columns out, and tells of what is missing', () => {
  const batch = new Batch(1, 1, 1);
  const bytes = message.tuple(['ab', null, undefined, '', 'left out', 'z']);
  const layout = { keep: Uint8Array.of(1, 1, 1, 1, 0, 1), required: Uint8Array.of(1, 1, 0, 0, 0, 0) };
  expect(tupleEnd(bytes, 0, bytes.length)).toBe(bytes.length);
  expect(appendTuple(batch, bytes, 0, bytes.length, layout)).toBe(HAS_UNCHANGED | HAS_UNEXPECTED_NULL);
  const cells = Array.from({ length: batch.cellCount }, (_, i) => {
    const [from, to] = [batch.cells[2 * i] as number, batch.cells[2 * i + 1] as number];
    return to < 0 ? to : batch.bytes.toString('utf8', from, to);
  });
  expect(cells).toEqual(['ab', -1, -2, '', 'z']);
  expect(() => appendTuple(batch, bytes, 0, bytes.length, { ...layout, keep: Uint8Array.of(1) })).toThrow('6 columns');
});
