import { expect, test } from 'vitest';
import { RecordError } from '../../../src/errors.ts';
import { WireOp } from '../../../src/converter/converter.ts';
import { type Cell, column, decode, encode, numericModifier, path, table } from '../fixture.ts';
import { oracle } from './oracle.ts';

const COLUMNS = [
  column('id', 'int4', { nullable: false }),
  column('t', 'text', { nullable: false }),
  column('u', 'bytea'),
  column('n', 'numeric', { nullable: false, modifier: numericModifier(6, 2) }),
  column('d', 'date'),
  column('z', 'timestamptz', { nullable: false }),
];
const ROW: Cell[] = ['1', 'x', '\\x00', '1.50', '2024-01-01', '2024-01-01 00:00:00+00'];

test('a value that was not sent holds the placeholder, null or zero, and comes back as not sent', async () => {
  const { encoder, decoder, valueSchema } = await path(table(COLUMNS));
  const row: Cell[] = ['1', undefined, undefined, undefined, undefined, undefined];
  const { value, exact } = encode(encoder, WireOp.update, ROW, row);
  const { after } = oracle(valueSchema).fromBuffer(value.subarray(5)) as { after: Record<string, unknown> };
  expect(after['srv.public.orders.Value']).toMatchObject({
    id: 1,
    t: '__debezium_unavailable_value',
    u: { bytes: Buffer.from('__debezium_unavailable_value') },
    n: Buffer.of(0),
    d: null,
    z: '1970-01-01T00:00:00.000000Z',
  });
  expect(decode(decoder, 6, value, exact)).toEqual({ before: ROW, after: row });
  expect([...exact]).toEqual([1, 1, 1, 0, 1, 2, 0, 1, 3, 0, 1, 4, 0, 1, 5, 0]);
});

test("Debezium's placeholder means not sent even without our header", async () => {
  const { encoder, decoder } = await path(table(COLUMNS));
  const { value } = encode(encoder, WireOp.update, undefined, [
    '1',
    undefined,
    undefined,
    '1.50',
    null,
    ROW[5] as string,
  ]);
  expect(decode(decoder, 6, value, Buffer.alloc(0)).after).toEqual(['1', undefined, undefined, '1.50', null, ROW[5]]);
});

test('NULL where the field cannot be null is a zero with an entry', async () => {
  const { encoder, decoder, valueSchema } = await path(table(COLUMNS));
  const row: Cell[] = [null, null, null, null, null, null];
  const { value, exact } = encode(encoder, WireOp.create, row, row);
  expect(decode(decoder, 6, value, exact)).toEqual({ before: row, after: row });
  expect([...exact]).toEqual([1, 0, 0, 1, 0, 1, 1, 0, 3, 1, 0, 5, 1, 1, 0, 1, 1, 1, 1, 1, 3, 1, 1, 5, 1]);
  expect(oracle(valueSchema).isValid(oracle(valueSchema).fromBuffer(value.subarray(5)))).toBe(true);
});

test('a before that is only a key is filled with zeros as Debezium does, and comes back as the key alone', async () => {
  const { encoder, decoder, valueSchema } = await path(table(COLUMNS, { identity: 'default' }));
  const before: Cell[] = ['1', null, null, null, null, null];
  const { value, exact } = encode(encoder, WireOp.delete, before, undefined);
  expect(exact).toHaveLength(0);
  const decoded = oracle(valueSchema).fromBuffer(value.subarray(5)) as { before: Record<string, unknown> };
  expect(decoded.before['srv.public.orders.Value']).toMatchObject({ id: 1, t: '', u: null, n: Buffer.of(0), d: null });
  expect(decode(decoder, 6, value, exact)).toEqual({ before, after: undefined });
});

test('old values outside the key are kept even where the identity promises none', async () => {
  const { encoder, decoder } = await path(table(COLUMNS, { identity: 'default' }));
  const before: Cell[] = ['1', 'old', null, '2.00', undefined, null];
  const { value, exact } = encode(encoder, WireOp.update, before, ROW);
  expect(decode(decoder, 6, value, exact)).toEqual({ before: ['1', 'old', null, '2.00', null, null], after: ROW });
});

test('the exact header belongs to the value written last', async () => {
  const { encoder } = await path(table(COLUMNS));
  const first = encode(encoder, WireOp.create, undefined, ROW.with(3, 'NaN')).exact;
  expect(first).toEqual(Buffer.concat([Buffer.of(1, 1, 3, 2, 3), Buffer.from('NaN')]));
  expect(encode(encoder, WireOp.create, undefined, ROW).exact).toHaveLength(0);
});

test('entries of columns beyond 127 and of long texts come back', async () => {
  const columns = [column('id', 'int4'), ...Array.from({ length: 300 }, (_, i) => column(`c${i}`, 'numeric'))];
  const { encoder, decoder } = await path(table(columns));
  const row: Cell[] = ['1', ...Array.from({ length: 300 }, () => 'x'.repeat(200))];
  const { value, exact } = encode(encoder, WireOp.create, undefined, row);
  expect(decode(decoder, 301, value, exact).after).toEqual(row);
});

test('a key with a value that was not sent is refused: it would make many rows one', async () => {
  const { encoder } = await path(table(COLUMNS, { key: [0, 1] }));
  expect(() => encode(encoder, WireOp.update, undefined, ['1', undefined, null, '1.00', null, null])).toThrow(
    RecordError,
  );
});

test('a reader with other columns takes those that it has, by name', async () => {
  const writer = await path(table(COLUMNS));
  const { value, exact } = encode(writer.encoder, WireOp.create, undefined, ['7', 'x', undefined, 'NaN', null, null]);
  const reader = table([column('n', 'numeric'), column('added', 'int4'), column('id', 'int4'), column('u', 'bytea')]);
  const { createAvroDecoder } = await import('../../../src/converter/avro/decode.ts');
  const decoder = createAvroDecoder(2, JSON.parse(writer.valueSchema), reader);
  expect(decode(decoder, 4, value, exact).after).toEqual(['NaN', null, '7', undefined]);
});
