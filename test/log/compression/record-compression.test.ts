import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BatchMemory } from '../../../src/log/batch-memory.ts';
import { compressionOf } from '../../../src/log/compression/compression.ts';
import { readBatches } from '../../../src/log/record-reader.ts';
import { RecordSetWriter, setBaseOffset } from '../../../src/log/record-set.ts';
import { kafkajsRead } from '../kafkajs-codec.ts';
import { readRecords, record, recordSet, type TestRecord, writeRecord } from '../records.ts';

const content = fc
  .tuple(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 20 }))
  .map(([length, fill, start]) => Buffer.concat([start, Buffer.alloc(length, fill)]));
const headers = fc.array(fc.tuple(fc.constant('h'), content), { maxLength: 1 });
const testRecord: fc.Arbitrary<TestRecord> = fc.record({ key: fc.option(content), value: fc.option(content), headers });
const testRecords = fc.array(testRecord, { minLength: 1, maxLength: 60 });

const hex = ({ key, value, headers: all }: TestRecord): object => ({
  key: key?.toString('hex') ?? null,
  value: value?.toString('hex') ?? null,
  headers: all.map(([name, bytes]) => [name, bytes.toString('hex')]),
});

/** Which compression a record batch says that it has. */
const attributesOf = (batch: Buffer): number => batch.readInt16BE(21);

/** Long enough for several blocks in every format. */
const LONG = Array.from({ length: 5000 }, (_, i) =>
  record(`${i} is a row like the others, and ${i * 7919} is its number`),
);

describe.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('records that are compressed with %s', (type) => {
  const compression = compressionOf(type);

  test('are read back as they were, at the offsets that a log gave', () => {
    fc.assert(
      fc.property(testRecords, fc.integer({ min: 0, max: 2 ** 50 }), (records, base) => {
        const { batches } = recordSet(records, 10_000, compression);
        let next = base;
        for (const { bytes, count } of batches) {
          setBaseOffset(bytes, next);
          next += count;
        }
        const read = readRecords(Buffer.concat(batches.map(({ bytes }) => bytes)), ['h']);
        expect(read.map(hex)).toEqual(records.map(hex));
        expect(read.map(({ offset }) => offset)).toEqual(records.map((_, i) => base + i));
      }),
      { numRuns: 100 },
    );
  });

  test('fill the same batches as plain ones, with the same headers but for size, checksum and codec', () => {
    const plain = recordSet(LONG, 100_000);
    const packed = recordSet(LONG, 100_000, compression);
    expect(packed.batches.map(({ count }) => count)).toEqual(plain.batches.map(({ count }) => count));
    expect(packed.count).toBe(LONG.length);
    expect(packed.byteLength).toBe(packed.batches.reduce((sum, { bytes }) => sum + bytes.length, 0));
    expect(packed.byteLength).toBeLessThan(plain.byteLength / 1.5);
    for (const [i, { bytes, count }] of packed.batches.entries()) {
      const likewise = plain.batches[i]?.bytes as Buffer;
      expect(attributesOf(bytes)).toBe(compression?.id);
      expect([...readBatches(bytes)]).toEqual([{ start: 0, end: bytes.length, base: 0, count, intact: true }]);
      expect(bytes.subarray(12, 17)).toEqual(likewise.subarray(12, 17));
      expect(bytes.subarray(23, 61)).toEqual(likewise.subarray(23, 61));
    }
    expect(readRecords(Buffer.concat(packed.batches.map(({ bytes }) => bytes))).map(hex)).toEqual(LONG.map(hex));
  });

  test('stay plain where they would not become smaller', () => {
    const records = [{ key: null, value: randomBytes(5000), headers: [] }];
    for (const each of [records, [record('x')]]) {
      expect(recordSet(each, undefined, compression)).toEqual({
        ...recordSet(each),
        release: expect.any(Function) as unknown,
      });
    }
  });

  test('hold blocks that do not become smaller between others that do', () => {
    const value = Buffer.concat([Buffer.alloc(100_000, 1), randomBytes(200_000), Buffer.alloc(200_000, 2)]);
    const [batch] = recordSet([{ key: null, value, headers: [] }], undefined, compression).batches;
    expect(attributesOf(batch?.bytes as Buffer)).toBe(compression?.id);
    expect(readRecords(batch?.bytes as Buffer)[0]?.value?.equals(value)).toBe(true);
  });

  test('are the same from memory that was used before, which is free as soon as a batch is compressed', () => {
    fc.assert(
      fc.property(fc.array(testRecords, { minLength: 2, maxLength: 6 }), (rounds) => {
        const memory = new BatchMemory();
        const writers = [0, 1].map(
          (slot) => new RecordSetWriter(() => 1_700_000_000_000, 2000, { size: 64, slot, memory, compression }),
        );
        for (const records of rounds) {
          const sets = writers.map((writer) => {
            for (const each of records) writeRecord(writer, each);
            return writer.finish();
          });
          const fresh = recordSet(records, 2000, compression);
          for (const { batches, release } of sets) {
            expect(batches.map(({ bytes }) => bytes.toString('latin1'))).toEqual(
              fresh.batches.map(({ bytes }) => bytes.toString('latin1')),
            );
            release?.();
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});

test('kafkajs reads what is compressed with gzip, by itself', async () => {
  const [batch] = recordSet(LONG, undefined, compressionOf('gzip')).batches;
  const { records } = await kafkajsRead(batch?.bytes as Buffer);
  expect(records.map(({ value }) => String(value))).toEqual(LONG.map(({ value }) => String(value)));
});

test('none is no compression', () => {
  expect(compressionOf('none')).toBeUndefined();
});
