import { expect, test } from 'vitest';
import { Batch } from '../../../src/change/batch.ts';
import { type RowDecoder, WireOp } from '../../../src/converter/converter.ts';
import { avroConverter, column, encode, memoryStore, table } from '../fixture.ts';
import { collectGarbage } from '../../support/garbage.ts';

const TABLE = table([column('id', 'int4'), column('t', 'text')], { identity: 'default' });
const { signal } = new AbortController();

/** Decodes a row that has an exact header, from bytes that only the decoder can still hold afterwards. */
async function decoded(): Promise<{ decoder: RowDecoder; bytes: WeakRef<ArrayBufferLike> }> {
  const converter = avroConverter(memoryStore());
  const encoder = await converter.encoder(TABLE, 'srv.public.t', signal);
  const { value, exact } = encode(encoder, WireOp.create, undefined, ['1', undefined]);
  expect(exact.length).toBeGreaterThan(0);
  const decoder = await converter.decoder(value.readInt32BE(1), TABLE, 'srv.public.t', signal);
  const bytes = Buffer.alloc(1 << 20);
  value.copy(bytes);
  exact.copy(bytes, value.length);
  decoder.decode(bytes, 0, value.length, value.length, value.length + exact.length, new Batch());
  return { decoder, bytes: new WeakRef(bytes.buffer) };
}

test('a decoder that was released holds nothing of what it has decoded', async () => {
  const [held, released] = [await decoded(), await decoded()];
  released.decoder.release();
  await collectGarbage();
  expect(held.bytes.deref()).toBeDefined();
  expect(released.bytes.deref()).toBeUndefined();
});
