import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Run } from '../../src/change/byte-writer.ts';
import { BatchMemory } from '../../src/log/batch-memory.ts';
import { BATCH_HEADER_BYTES, RecordSetWriter, setBaseOffset } from '../../src/log/record-set.ts';
import { kafkajsBatch, kafkajsRead } from './kafkajs-codec.ts';
import { readRecords, recordSet, type TestRecord, writeRecord } from './records.ts';

const TIMESTAMP = 1_700_000_000_000;
/** Around every size at which a length takes another byte. */
const EDGES = [0, 1, 62, 63, 64, 65, 8190, 8191, 8192, 8193];

const size = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.constantFrom(...EDGES),
  fc.integer({ min: 8000, max: 8300 }),
);
const filled = fc.tuple(size, fc.integer({ min: 0, max: 255 })).map(([length, fill]) => Buffer.alloc(length, fill));
const headers = fc.uniqueArray(fc.tuple(fc.stringMatching(/^h[a-z.é]{0,70}$/), filled), {
  maxLength: 3,
  selector: ([name]) => name,
});
const testRecord: fc.Arbitrary<TestRecord> = fc.record({ key: fc.option(filled), value: fc.option(filled), headers });
const testRecords = fc.array(testRecord, { minLength: 1, maxLength: 80 });

function namesOf(records: readonly TestRecord[]): string[] {
  return [...new Set(records.flatMap((each) => each.headers.map(([name]) => name)))];
}

/** Buffers as digests: comparing those of a megabyte with `toEqual` takes minutes. */
function plain({ key, value, headers: found }: Omit<TestRecord, 'headers'> & { readonly headers: object }): object {
  const pairs = Array.isArray(found) ? (found as [string, Buffer][]) : Object.entries(found as Record<string, Buffer>);
  const texts = pairs.map(([name, bytesOf]) => [name, digest(bytesOf)] as const);
  return {
    key: digest(key),
    value: digest(value),
    headers: texts.sort(([a], [b]) => (a < b ? -1 : 1)),
  };
}

function digest(content: Buffer | null): string | null {
  return content === null ? null : createHash('sha256').update(content).digest('hex');
}

describe('RecordSetWriter', () => {
  test('writes the bytes that kafkajs writes', async () => {
    await fc.assert(
      fc.asyncProperty(testRecords, async (records) => {
        const { batches } = recordSet(records, Number.MAX_SAFE_INTEGER);
        expect(batches).toHaveLength(1);
        expect((await kafkajsBatch(records, TIMESTAMP)).equals(batches[0]?.bytes as Buffer)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test.each([64, 8192, 1_048_576])(
    'writes the bytes that kafkajs writes for a key, a value and a whole record near %i bytes',
    async (edge) => {
      for (let length = edge - 12; length <= edge + 1; length++) {
        const content = Buffer.alloc(length, length);
        const records: TestRecord[] = [
          { key: content, value: null, headers: [] },
          { key: null, value: content, headers: [['h', Buffer.from('x')]] },
        ];
        const [batch] = recordSet(records, Number.MAX_SAFE_INTEGER).batches;
        expect((await kafkajsBatch(records, TIMESTAMP)).equals(batch?.bytes as Buffer), `${length}`).toBe(true);
        expect(readRecords(batch?.bytes as Buffer, ['h']).map(plain)).toEqual(records.map(plain));
      }
    },
  );

  test('writes the offset deltas that kafkajs writes, also those of two and three bytes', async () => {
    const records = Array.from({ length: 9000 }, (): TestRecord => ({ key: null, value: null, headers: [] }));
    const [batch] = recordSet(records).batches;
    expect((await kafkajsBatch(records, TIMESTAMP)).equals(batch?.bytes as Buffer)).toBe(true);
  });

  test('begins another batch when a record overflows, and both are what kafkajs writes', async () => {
    await fc.assert(
      fc.asyncProperty(testRecords, fc.integer({ min: 100, max: 20_000 }), async (records, limit) => {
        const set = recordSet(records, limit);
        let at = 0;
        for (const { bytes: batch, count } of set.batches) {
          expect(count === 1 || batch.length <= limit).toBe(true);
          expect((await kafkajsBatch(records.slice(at, at + count), TIMESTAMP)).equals(batch)).toBe(true);
          at += count;
        }
        expect(at).toBe(records.length);
        expect(set.count).toBe(records.length);
        expect(set.byteLength).toBe(set.batches.reduce((sum, batch) => sum + batch.bytes.length, 0));
      }),
      { numRuns: 200 },
    );
  });

  test('fills a batch up to its limit before it begins another', () => {
    const one: TestRecord = { key: null, value: Buffer.alloc(100), headers: [] };
    const { batches } = recordSet(
      Array.from({ length: 50 }, () => one),
      1000,
    );
    const recordBytes = (batches[0]?.bytes.length as number) - BATCH_HEADER_BYTES;
    expect(recordBytes + recordBytes / (batches[0]?.count as number)).toBeGreaterThan(1000 - BATCH_HEADER_BYTES);
  });

  test('is read back by RecordReader and by kafkajs, with the base offsets that a log gave', async () => {
    await fc.assert(
      fc.asyncProperty(testRecords, fc.integer({ min: 0, max: 2 ** 50 }), async (records, base) => {
        const { batches } = recordSet(records, 10_000);
        let next = base;
        for (const batch of batches) {
          setBaseOffset(batch.bytes, next);
          next += batch.count;
        }
        const read = readRecords(Buffer.concat(batches.map((batch) => batch.bytes)), namesOf(records));
        expect(read.map(plain)).toEqual(records.map(plain));
        expect(read.map(({ offset }) => offset)).toEqual(records.map((_, i) => base + i));
        const theirs = await Promise.all(batches.map(async (batch) => await kafkajsRead(batch.bytes)));
        const flat = theirs.flatMap((batch) => batch.records);
        expect(flat.map(({ offset }) => offset)).toEqual(records.map((_, i) => String(base + i)));
        expect(flat.map(({ timestamp }) => timestamp)).toEqual(records.map(() => String(TIMESTAMP)));
        expect(flat.map(plain)).toEqual(records.map(plain));
      }),
      { numRuns: 100 },
    );
  });

  test('starts empty again after it was finished', () => {
    const writer = new RecordSetWriter(() => TIMESTAMP);
    writeRecord(writer, { key: null, value: Buffer.from('first'), headers: [] });
    expect(writer.count).toBe(1);
    const first = writer.finish();
    expect(writer.count).toBe(0);
    expect(writer.finish()).toEqual({ batches: [], count: 0, byteLength: 0 });
    writeRecord(writer, { key: null, value: Buffer.from('second'), headers: [] });
    const second = writer.finish();
    expect(readRecords(first.batches[0]?.bytes as Buffer).map(({ value }) => String(value))).toEqual(['first']);
    expect(readRecords(second.batches[0]?.bytes as Buffer).map(({ value }) => String(value))).toEqual(['second']);
  });

  test('writes the same into memory that was used before', () => {
    fc.assert(
      fc.property(fc.array(testRecords, { minLength: 2, maxLength: 8 }), (rounds) => {
        const memory = new BatchMemory();
        const writers = [0, 1].map((slot) => new RecordSetWriter(() => TIMESTAMP, 500, { size: 64, slot, memory }));
        for (const records of rounds) {
          const sets = writers.map((writer) => {
            for (const each of records) writeRecord(writer, each);
            return writer.finish();
          });
          const fresh = recordSet(records, 500);
          for (const { batches } of sets) {
            expect(batches.map(({ bytes }) => bytes.toString('latin1'))).toEqual(
              fresh.batches.map(({ bytes }) => bytes.toString('latin1')),
            );
          }
          for (const { release } of sets) {
            release?.();
            release?.(); // a second time is of no effect
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  test('puts a whole header where it can be filled in', () => {
    const header = new Run();
    header.change().copy(Buffer.from('\x04ab\x06xyz'), 0, 7);
    const writer = new RecordSetWriter(() => TIMESTAMP);
    for (let i = 0; i < 5; i++) {
      writer.beginRecord();
      writer.nullKey();
      writer.nullValue();
      writer.headers(1);
      const at = writer.wholeHeader(header);
      writer.bytes[at + 5] = 48 + i;
      writer.endRecord();
    }
    const [batch] = writer.finish().batches;
    const read = readRecords(batch?.bytes as Buffer, ['ab']);
    expect(read.map(({ headers }) => String(headers[0]?.[1]))).toEqual(['x0z', 'x1z', 'x2z', 'x3z', 'x4z']);
  });
});
