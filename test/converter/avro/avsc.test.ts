import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WireOp } from '../../../src/converter/converter.ts';
import { type Cell, decode, encode, NOW, path, TRANSACTION, table } from '../fixture.ts';
import { TYPES, type TypedColumn } from './generate.ts';
import { oracle } from './oracle.ts';

interface Sample {
  readonly columns: readonly TypedColumn[];
  readonly key: readonly number[];
  readonly before: readonly ({ text: string; avro: unknown } | null)[] | undefined;
  readonly after: readonly ({ text: string; avro: unknown } | null)[];
}

/** A random table version with a key, and rows of it. */
const samples: fc.Arbitrary<Sample> = fc
  .array(fc.tuple(fc.integer({ min: 0, max: TYPES.length - 1 }), fc.boolean()), { minLength: 1, maxLength: 12 })
  .map((picks) => picks.map(([type, nullable], i) => (TYPES[type] as (typeof TYPES)[0])(`c${i}`, nullable)))
  .chain((columns) => {
    const row = fc.tuple(
      ...columns.map(({ column, value }) => (column.nullable ? fc.option(value, { freq: 4 }) : value)),
    );
    const key = fc.uniqueArray(fc.integer({ min: 0, max: columns.length - 1 }), { minLength: 1, maxLength: 3 });
    return fc.record({ columns: fc.constant(columns), key, before: fc.option(row, { nil: undefined }), after: row });
  });

type Row = Sample['after'];

function texts(row: Row): Cell[] {
  return row.map((cell) => cell?.text ?? null);
}

/** The row as avsc has it. */
function record(columns: readonly TypedColumn[], row: Row, ordinals: readonly number[]): Record<string, unknown> {
  const fields = ordinals.map((i) => {
    const { column, branch } = columns[i] as TypedColumn;
    const cell = row[i];
    const value = column.nullable && cell ? { [branch]: cell.avro } : (cell?.avro ?? null);
    return [column.name, value];
  });
  return Object.fromEntries(fields) as Record<string, unknown>;
}

function envelope(sample: Sample): Record<string, unknown> {
  const all = [...sample.columns.keys()];
  const name = 'srv.public.orders.Value';
  const commitUs = BigInt(TRANSACTION.commitTimeUs);
  return {
    before: sample.before === undefined ? null : { [name]: record(sample.columns, sample.before, all) },
    after: { [name]: record(sample.columns, sample.after, all) },
    source: {
      version: '0.1.0',
      connector: 'postgresql',
      name: 'srv',
      ts_ms: commitUs / 1000n,
      snapshot: { string: 'false' },
      db: 'shop',
      sequence: { string: `[null,"${0x12_3456_7800}"]` },
      ts_us: { long: commitUs },
      ts_ns: { long: commitUs * 1000n },
      schema: 'public',
      table: 'orders',
      txId: { long: 771n },
      lsn: { long: 0x12_3456_7800n },
      xmin: null,
      origin: null,
      origin_lsn: null,
    },
    transaction: null,
    op: 'u',
    ts_ms: { long: BigInt(NOW) },
    ts_us: { long: BigInt(NOW) * 1000n },
    ts_ns: { long: BigInt(NOW) * 1_000_000n },
  };
}

/** avsc's records have prototypes of their own. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
}

test('avsc reads from our bytes what was meant, and writes the same bytes again', async () => {
  await fc.assert(
    fc.asyncProperty(samples, async (sample) => {
      const version = table(
        sample.columns.map(({ column }) => column),
        { key: sample.key },
      );
      const { encoder, keySchema, valueSchema } = await path(version);
      const before = sample.before === undefined ? undefined : texts(sample.before);
      const encoded = encode(encoder, WireOp.update, before, texts(sample.after));
      const valueType = oracle(valueSchema);
      const value: unknown = valueType.fromBuffer(encoded.value.subarray(5));
      expect(plain(value)).toStrictEqual(envelope(sample));
      expect(valueType.toBuffer(value)).toStrictEqual(encoded.value.subarray(5));
      const keyType = oracle(keySchema);
      const key: unknown = keyType.fromBuffer(encoded.key?.subarray(5) ?? Buffer.alloc(0));
      expect(plain(key)).toStrictEqual(record(sample.columns, sample.after, sample.key));
      expect(keyType.toBuffer(key)).toStrictEqual(encoded.key?.subarray(5));
      expect(encoded.exact).toHaveLength(0);
    }),
    { numRuns: 300 },
  );
});

test('what avsc writes decodes to the texts that were meant', async () => {
  await fc.assert(
    fc.asyncProperty(samples, async (sample) => {
      const version = table(
        sample.columns.map(({ column }) => column),
        { key: sample.key },
      );
      const { decoder, valueSchema } = await path(version);
      const body = oracle(valueSchema).toBuffer(envelope(sample));
      const framed = Buffer.concat([Buffer.of(0, 0, 0, 0, 2), body]);
      const decoded = decode(decoder, sample.columns.length, framed, Buffer.alloc(0));
      expect(decoded.after).toStrictEqual(texts(sample.after));
      expect(decoded.before).toStrictEqual(sample.before === undefined ? undefined : texts(sample.before));
    }),
    { numRuns: 300 },
  );
});
