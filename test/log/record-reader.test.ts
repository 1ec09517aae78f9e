import { describe, expect, test } from 'vitest';
import { OperatorError } from '../../src/errors.ts';
import { compressionOf } from '../../src/log/compression/compression.ts';
import { countRecords, RecordReader, readBatches } from '../../src/log/record-reader.ts';
import { RecordSetWriter, setBaseOffset } from '../../src/log/record-set.ts';
import { kafkajsBatch } from './kafkajs-codec.ts';
import { readRecords, record, recordSet, textOf } from './records.ts';

function onlyBatch(values: readonly string[], base: number = 0): Buffer {
  const bytes = recordSet(values.map(record)).batches[0]?.bytes as Buffer;
  setBaseOffset(bytes, base);
  return bytes;
}

describe('RecordReader', () => {
  test('reads a batch that was compressed with gzip', async () => {
    const records = ['a', 'b', 'c'].map(record);
    const bytes = Buffer.concat([await kafkajsBatch(records, 1, 1), onlyBatch(['d'], 3)]);
    expect(readRecords(bytes).map(textOf)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('refuses a compression that it cannot read', () => {
    const bytes = onlyBatch(['a']);
    bytes.writeInt16BE(2, 21);
    expect(() => new RecordReader(bytes).next()).toThrow(OperatorError);
  });

  test('leaves out control batches, which hold marks of transactions', () => {
    const control = onlyBatch(['commit mark']);
    control.writeInt16BE(0x30, 21);
    expect(readRecords(Buffer.concat([control, onlyBatch(['data'], 1)])).map(textOf)).toEqual(['data']);
  });

  test('does not read a batch that is cut off, wherever it is cut', () => {
    const [first, second] = [onlyBatch(['a', 'b']), onlyBatch(['c'], 2)];
    const bytes = Buffer.concat([first, second]);
    for (let end = first.length; end < bytes.length; end++) {
      expect(readRecords(bytes.subarray(0, end)).map(textOf)).toEqual(['a', 'b']);
      expect([...readBatches(bytes.subarray(0, end))]).toHaveLength(1);
    }
  });

  test('walks on in a copy of what is left, wherever it stands, when what it was given is written over', async () => {
    const plain = (base: number): Buffer => onlyBatch(['d', 'e', 'f'], base);
    const compressed = await kafkajsBatch(['a', 'b', 'c'].map(record), 1, 1);
    for (const batches of [
      [compressed, plain(3)],
      [plain(0), compressed],
      [plain(0), plain(3)],
    ]) {
      const all = readRecords(Buffer.concat(batches)).map(textOf);
      for (let read = 0; read <= all.length; read++) {
        const bytes = Buffer.concat(batches);
        const reader = new RecordReader(bytes);
        const texts: string[] = [];
        const walk = (): number => texts.push(reader.bytes.toString('utf8', reader.valueStart, reader.valueEnd));
        for (let n = 0; n < read && reader.next(); n++) walk();
        const { restBytes } = reader;
        reader.compact();
        expect(reader.input).toHaveLength(restBytes);
        bytes.fill(0xff);
        while (reader.next()) walk();
        expect(texts).toEqual(all);
        expect(reader.isAtEnd).toBe(true);
      }
    }
  });

  test('refuses headers whose lengths lead back, however many there are said to be', () => {
    const writer = new RecordSetWriter(() => 0);
    writer.beginRecord();
    writer.nullKey();
    writer.nullValue();
    writer.headers(0x3fff_ffff);
    writer.header(Buffer.alloc(0), Buffer.alloc(0), 0, 0);
    writer.endRecord();
    const bytes = writer.finish().batches[0]?.bytes as Buffer;
    bytes[bytes.length - 2] = 3; // the name's length is -2: the next header begins where this one does
    const reader = new RecordReader(bytes);
    expect(reader.next()).toBe(true);
    expect(() => reader.findHeader(Buffer.from('rowcast'))).toThrow(OperatorError);
  });

  test('finds headers in any order and none that is not there', () => {
    const headers = [
      ['one', Buffer.from('1')],
      ['two', Buffer.alloc(0)],
      ['three', Buffer.alloc(300, 3)],
    ] as const;
    const bytes = recordSet([{ key: null, value: null, headers }, record('next')]).batches[0]?.bytes as Buffer;
    const reader = new RecordReader(bytes);
    expect(reader.next()).toBe(true);
    expect(reader.findHeader(Buffer.from('three'))).toBe(true);
    expect(reader.headerEnd - reader.headerStart).toBe(300);
    expect(reader.findHeader(Buffer.from('four'))).toBe(false);
    expect(reader.findHeader(Buffer.from('two'))).toBe(true);
    expect(reader.headerEnd).toBe(reader.headerStart);
    expect(reader.next()).toBe(true);
    expect(reader.bytes.toString('utf8', reader.valueStart, reader.valueEnd)).toBe('next');
    expect(reader.next()).toBe(false);
  });

  test('never reads beyond the records of a compressed batch, whichever bit of it is wrong', () => {
    const values = Array.from({ length: 40 }, (_, i) => `some records like others ${i}`);
    const bytes = recordSet(values.map(record), undefined, compressionOf('lz4')).batches[0]?.bytes as Buffer;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      try {
        for (const { value } of readRecords(flipped, ['h'])) expect(value?.length ?? 0).toBeLessThan(100_000);
      } catch (error) {
        expect(error).toBeInstanceOf(OperatorError);
      }
    }
  });

  test('never reads beyond a record batch, whichever bit of it is wrong', () => {
    const bytes = onlyBatch(['some', 'records']);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      try {
        for (const { value } of readRecords(flipped, ['h'])) expect(value?.length ?? 0).toBeLessThan(bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(OperatorError);
      }
    }
  });
});

describe('readBatches', () => {
  test('gives bounds, offsets and counts of the batches', () => {
    const [first, second] = [onlyBatch(['a', 'b'], 5), onlyBatch(['c'], 7)];
    expect([...readBatches(Buffer.concat([first, second]))]).toEqual([
      { start: 0, end: first.length, base: 5, count: 2, intact: true },
      { start: first.length, end: first.length + second.length, base: 7, count: 1, intact: true },
    ]);
  });

  test('sees every bit that is wrong behind the checksum', () => {
    const bytes = onlyBatch(['some', 'records']);
    for (let bit = 17 * 8; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      expect([...readBatches(flipped)].map(({ intact }) => intact)).toEqual([false]);
    }
  });
});

test('counts the offsets of whole batches', () => {
  const sets = [recordSet([record('a'), record('b')]), recordSet([record('c')])];
  const bytes = Buffer.concat(sets.map(({ batches }) => batches[0]?.bytes as Buffer));
  expect(countRecords(bytes)).toBe(3);
  expect(countRecords(Buffer.alloc(0))).toBe(0);
});
