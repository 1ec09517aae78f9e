import { expect, test } from 'vitest';
import { ByteWriter } from '../../../src/change/byte-writer.ts';
import { decimalWriter } from '../../../src/converter/avro/decimal-writer.ts';
import { numericModifier, column, decode, encode, path, table } from '../fixture.ts';
import { WireOp } from '../../../src/converter/converter.ts';
import { twosComplement } from './generate.ts';

/** Values at which the two's complement gets another byte, and their neighbours. */
const edgesOf = (bytes: number): readonly bigint[] =>
  Array.from({ length: bytes }, (_, i) => 1n << BigInt(8 * (i + 1) - 1))
    .flatMap((edge) => [edge - 1n, edge, edge + 1n, 2n * edge - 1n, 2n * edge])
    .flatMap((value) => [value, -value]);
const edges = edgesOf(20);

test("unscaled values are the shortest two's complement, as Java writes it", () => {
  const write = decimalWriter(140, 0);
  for (const value of edgesOf(50)) {
    const text = Buffer.from(`${value}`);
    const out = new ByteWriter();
    expect(write(text, 0, text.length, out)).toBe(true);
    const bytes = twosComplement(value);
    expect(Buffer.from(out.view()), `${value}`).toEqual(Buffer.concat([Buffer.of(bytes.length * 2), bytes]));
  }
});

test('they come back with every scale', async () => {
  for (const scale of [0, 1, 2, 9, 30, 59]) {
    const { encoder, decoder } = await path(table([column('v', 'numeric', { modifier: numericModifier(60, scale) })]));
    for (const value of edges) {
      const digits = `${value < 0n ? -value : value}`.padStart(scale + 1, '0');
      const point = digits.length - scale;
      const text = `${value < 0n ? '-' : ''}${digits.slice(0, point)}${scale > 0 ? '.' : ''}${digits.slice(point)}`;
      const { value: bytes, exact } = encode(encoder, WireOp.create, undefined, [text]);
      expect(exact, text).toHaveLength(0);
      expect(decode(decoder, 1, bytes, exact).after).toEqual([text]);
    }
  }
});
