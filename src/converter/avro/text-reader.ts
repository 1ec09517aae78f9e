import type { Batch } from '../../change/batch.ts';
import type { AvroInput } from './avro-input.ts';

/** A string, as it is. */
export function readText(input: AvroInput, batch: Batch): void {
  const size = input.length();
  batch.append(input.bytes, input.view, input.take(size), size);
}

const HEX = Buffer.from('0123456789abcdef');

/** Bytes -> `\x00ff`, bytea's hex form. */
export function readBytes(input: AvroInput, batch: Batch): void {
  const size = input.length();
  const start = input.take(size);
  let at = batch.reserve(2 + 2 * size);
  const { bytes } = batch;
  const source = input.bytes;
  bytes[at++] = 0x5c;
  bytes[at++] = 0x78;
  for (let i = start; i < start + size; i++) {
    const byte = source[i] as number;
    bytes[at++] = HEX[byte >>> 4] as number;
    bytes[at++] = HEX[byte & 15] as number;
  }
  batch.byteLength = at;
}
