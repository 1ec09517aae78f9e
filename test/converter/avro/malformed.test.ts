import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Batch } from '../../../src/change/batch.ts';
import { OperatorError, RecordError } from '../../../src/errors.ts';
import { createAvroDecoder } from '../../../src/converter/avro/decode.ts';
import { validSchema } from '../../../src/converter/avro/valid-schema.ts';
import { WireOp } from '../../../src/converter/converter.ts';
import { addRow, type Cell, cellsOf, column, encode, numericModifier, path, table } from '../fixture.ts';

const COLUMNS = [
  column('id', 'int8', { nullable: false }),
  column('b', 'bool', { nullable: false }),
  column('i', 'int4', { nullable: false }),
  column('f', 'float4', { nullable: false }),
  column('g', 'float8'),
  column('n', 'numeric', { modifier: numericModifier(30, 4) }),
  column('v', 'numeric', { nullable: false }),
  column('t', 'text', { nullable: false }),
  column('u', 'bytea'),
  column('d', 'date', { nullable: false }),
  column('c', 'time', { nullable: false }),
  column('s', 'timestamp', { nullable: false }),
  column('m', 'timestamp', { nullable: false, modifier: 3 }),
  column('z', 'timestamptz', { nullable: false }),
];
const ROW: Cell[] = [
  '9223372036854775807',
  't',
  '-5',
  '1.5',
  '2.5',
  '12345678901234567.1234',
  '1.10',
  'some text',
  '\\x0102',
  '2024-01-01',
  '12:00:00',
  '2024-01-01 12:00:00',
  '9999-01-01 12:00:00',
  '2024-01-01 12:00:00+00',
];

/** Decodes, and asserts that a failure is a RecordError that leaves the batch as it was. */
function tryDecode(decoder: ReturnType<typeof createAvroDecoder>, value: Buffer, exact: Buffer): boolean {
  const batch = new Batch(1, 1, 4);
  addRow(batch, ['kept']);
  const bytes = Buffer.concat([value, exact]);
  try {
    decoder.decode(bytes, 0, value.length, value.length, bytes.length, batch);
    if (decoder.after >= 0) cellsOf(batch, decoder.after, COLUMNS.length);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(RecordError);
    expect([batch.cellCount, batch.byteLength, cellsOf(batch, 0, 1)]).toEqual([1, 4, ['kept']]);
    return false;
  }
}

test('a value that is cut off anywhere before its rows end is a RecordError', async () => {
  const { encoder, decoder } = await path(table(COLUMNS));
  const { value } = encode(encoder, WireOp.update, ROW, ROW);
  const rowsEnd = value.indexOf(Buffer.concat([Buffer.of(10), Buffer.from('0.1.0')]));
  for (let size = 0; size < rowsEnd; size++) {
    expect(tryDecode(decoder, value.subarray(0, size), Buffer.alloc(0)), `${size} bytes`).toBe(false);
  }
  expect(tryDecode(decoder, value.subarray(0, rowsEnd), Buffer.alloc(0))).toBe(true);
});

test('an exact header that is cut off or of another version is a RecordError', async () => {
  const { encoder, decoder } = await path(table(COLUMNS));
  const { value, exact } = encode(
    encoder,
    WireOp.update,
    undefined,
    ROW.with(5, 'NaN').with(7, undefined).with(9, null),
  );
  expect(tryDecode(decoder, value, exact)).toBe(true);
  const entryEnds = [1, 8, 11, 14];
  expect(exact).toHaveLength(14);
  for (let size = 1; size < exact.length; size++) {
    expect(tryDecode(decoder, value, exact.subarray(0, size)), `${size} bytes`).toBe(entryEnds.includes(size));
  }
  expect(tryDecode(decoder, value, Buffer.of(2, 1, 0, 0))).toBe(false);
  expect(tryDecode(decoder, value, Buffer.of(1, 0, 0, 0)), 'there is no before row').toBe(false);
  expect(tryDecode(decoder, value, Buffer.of(1, 1, 14, 0)), 'there is no column 14').toBe(false);
  expect(tryDecode(decoder, value, Buffer.of(1, 1, 255, 255, 255, 255, 255, 0))).toBe(false);
});

test('mutated bytes decode to something or are a RecordError, nothing else', async () => {
  const { encoder, decoder } = await path(table(COLUMNS));
  const { value, exact } = encode(encoder, WireOp.update, ROW, ROW.with(5, 'NaN').with(7, undefined));
  const mutation = fc.tuple(fc.nat(value.length + exact.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 6 }), (mutations) => {
      const bytes = Buffer.concat([value, exact]);
      for (const [at, byte] of mutations) bytes[at] = byte;
      tryDecode(decoder, bytes.subarray(0, value.length), bytes.subarray(value.length));
    }),
    { numRuns: 5_000 },
  );
});

test('arbitrary bytes decode to something or are a RecordError, nothing else', async () => {
  const { decoder } = await path(table(COLUMNS));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 30 }), (body, exact) => {
      tryDecode(decoder, Buffer.concat([Buffer.of(0, 0, 0, 0, 2, 2), body]), Buffer.from(exact));
    }),
    { numRuns: 5_000 },
  );
});

test('bytes of another schema, or without framing, are a RecordError', async () => {
  const { encoder, decoder } = await path(table(COLUMNS));
  const { value } = encode(encoder, WireOp.create, undefined, ROW);
  for (const [at, byte] of [
    [0, 1],
    [4, 3],
  ] as const) {
    const other = Buffer.from(value);
    other[at] = byte;
    expect(tryDecode(decoder, other, Buffer.alloc(0))).toBe(false);
  }
});

test('an array that claims millions of items without bytes is a RecordError', () => {
  const schema = {
    type: 'record',
    name: 'Envelope',
    fields: [
      { name: 'junk', type: { type: 'array', items: 'null' } },
      { name: 'after', type: ['null', { type: 'record', name: 'Value', fields: [{ name: 'id', type: 'int' }] }] },
    ],
  };
  const decoder = createAvroDecoder(2, schema, table([column('id', 'int4')]));
  const count = Buffer.of(0xfe, 0xff, 0xff, 0xff, 0x0f);
  expect(
    tryDecode(decoder, Buffer.concat([Buffer.of(0, 0, 0, 0, 2), count, Buffer.of(0, 2, 2)]), Buffer.alloc(0)),
  ).toBe(false);
});

test('a numeric beyond what Postgres has is a RecordError, before it takes memory or time', () => {
  const decimal = {
    type: 'record',
    name: 'io.debezium.data.VariableScaleDecimal',
    fields: [
      { name: 'scale', type: 'int' },
      { name: 'value', type: 'bytes' },
    ],
  };
  const row = { type: 'record', name: 'Value', fields: [{ name: 'v', type: decimal }] };
  const schema = { type: 'record', name: 'Envelope', fields: [{ name: 'after', type: ['null', row] }] };
  const decoder = createAvroDecoder(2, schema, table([column('v', 'numeric')]));
  const value = (...body: number[]): Buffer => Buffer.of(0, 0, 0, 0, 2, 2, ...body);
  expect(tryDecode(decoder, value(4, 2, 5), Buffer.alloc(0))).toBe(true);
  expect(tryDecode(decoder, value(0xfe, 0xff, 0xff, 0xff, 0x0f, 2, 5), Buffer.alloc(0)), 'scale').toBe(false);
  expect(tryDecode(decoder, value(0xff, 0xff, 0xff, 0xff, 0x0f, 2, 5), Buffer.alloc(0)), 'negative scale').toBe(false);
  const long = Buffer.concat([value(0, 0x80, 0x80, 0x10), Buffer.alloc(131_072, 1)]);
  expect(tryDecode(decoder, long, Buffer.alloc(0)), 'digits').toBe(false);
});

const shut = { type: 'record', name: 'Value', fields: [{ name: 'id', type: 'int' }] };

/** The decoder of envelopes that have a field of this type before their row. */
function behind(junk: object): ReturnType<typeof createAvroDecoder> {
  const fields = [
    { name: 'junk', type: junk },
    { name: 'after', type: ['null', shut] },
  ];
  return createAvroDecoder(2, { type: 'record', name: 'Envelope', fields }, table([column('id', 'int4')]));
}

test('items without bytes cost nothing, in however many blocks they come', () => {
  const empty = { type: 'record', name: 'Empty', fields: [{ name: 'n', type: 'null' }] };
  const block = Buffer.of(0x80, 0x89, 0x7a); // a million of them
  const blocks = Buffer.concat(Array.from({ length: 700_000 }, () => block));
  for (const items of ['null', empty, { type: 'fixed', name: 'F', size: 0 }]) {
    const value = Buffer.concat([Buffer.of(0, 0, 0, 0, 2), blocks, Buffer.of(0, 2, 2)]);
    const decoder = behind({ type: 'array', items });
    expect(tryDecode(decoder, value, Buffer.alloc(0))).toBe(false); // the last block has less behind it
    const few = Buffer.concat([Buffer.of(0, 0, 0, 0, 2, 4, 4, 4, 0, 2, 2), Buffer.alloc(0)]);
    expect(tryDecode(decoder, few, Buffer.alloc(0))).toBe(true);
  }
});

test('a schema that names each of its types twice in the next is compiled once for each', () => {
  const level = (n: number): object => ({
    type: 'record',
    name: `L${n}`,
    fields: [
      { name: 'a', type: n === 0 ? 'null' : level(n - 1) },
      { name: 'b', type: n === 0 ? 'null' : `L${n - 1}` },
    ],
  });
  expect(tryDecode(behind(level(60)), Buffer.of(0, 0, 0, 0, 2, 2, 2), Buffer.alloc(0))).toBe(true);
});

test('a schema of the registry that is nested too deeply is refused', () => {
  const text = (depth: number): string => `${'{"type":"array","items":'.repeat(depth)}"int"${'}'.repeat(depth)}`;
  expect(() => validSchema(text(300), 'Schema 7')).not.toThrow();
  for (const depth of [500, 100_000]) {
    expect(() => validSchema(text(depth), 'Schema 7')).toThrow('Schema 7 is nested deeper than 400 levels');
  }
});

test('a schema whose type is JSON’s null, which avsc takes for Avro’s, is refused', () => {
  const fields = [{ name: 'after', type: { type: 'record', name: 'V', fields: [] } }];
  for (const text of [
    JSON.stringify({ type: null, name: 'E', fields }),
    JSON.stringify({ type: 'record', name: 'E', fields: [{ name: 'f', type: { type: null } }, ...fields] }),
  ]) {
    expect(() => createAvroDecoder(1, validSchema(text, 'Schema 1'), table(COLUMNS))).toThrow(OperatorError);
  }
});
