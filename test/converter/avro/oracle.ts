import avsc from 'avsc';

/** avsc's own long loses digits: this one is a BigInt. */
const bigLong = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
});

/** What avsc makes of a schema; union values are `{ branch: value }`, longs are BigInt. */
export function oracle(schema: string): avsc.Type {
  // A long with properties ({"type": "long", …}) would bypass the registry, so they are taken off.
  const plain: unknown = JSON.parse(schema, (_, value: unknown) => {
    return typeof value === 'object' && value !== null && 'type' in value && value.type === 'long' && !('name' in value)
      ? 'long'
      : value;
  });
  return avsc.Type.forSchema(plain as avsc.Schema, { registry: { long: bigLong }, wrapUnions: true });
}
