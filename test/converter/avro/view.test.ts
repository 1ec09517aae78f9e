import { expect, test } from 'vitest';
import { envelopeViewer, keyViewer } from '../../../src/converter/avro/view.ts';
import { schemaId, WireOp } from '../../../src/converter/converter.ts';
import { column, encode, path, table } from '../fixture.ts';

const ORDERS = table([
  column('id', 'int8'),
  column('paid at', 'timestamptz'),
  column('amount', 'numeric'),
  column('big', 'text'),
]);
const OLD = ['7', '2026-11-22 04:05:06.789+00', '9.90', 'x'];

function idOf(bytes: Buffer): number {
  return schemaId(bytes, 0, bytes.length);
}

test('rows are shown as Postgres prints them, by their columns’ own names, from the schema alone', async () => {
  const { encoder, valueSchema } = await path(ORDERS);
  const { value, exact } = encode(encoder, WireOp.update, OLD, ['7', null, 'NaN', undefined]);
  const view = envelopeViewer(idOf(value), JSON.parse(valueSchema))(value, exact);
  expect(view.before).toEqual({ id: '7', 'paid at': '2026-11-22 04:05:06.789+00', amount: '9.90', big: 'x' });
  expect(view.after).toEqual({ id: '7', 'paid at': null, amount: 'NaN' });
});

test('a key is shown by its columns', async () => {
  const { encoder, keySchema } = await path(ORDERS);
  const { key } = encode(encoder, WireOp.delete, OLD, undefined);
  const bytes = key as Buffer;
  expect(keyViewer(idOf(bytes), JSON.parse(keySchema))(bytes)).toEqual({ id: '7' });
});

test('what is no change, or damaged, is refused', async () => {
  expect(() => envelopeViewer(3, { type: 'record', name: 'a', fields: [] })).toThrow('it has no field "after"');
  const { encoder, valueSchema } = await path(ORDERS);
  const { value, exact } = encode(encoder, WireOp.create, undefined, OLD);
  const view = envelopeViewer(idOf(value), JSON.parse(valueSchema));
  expect(() => view(value.subarray(0, 12), exact)).toThrow('Value of table');
});
