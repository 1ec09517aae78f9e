import type { ByteWriter } from '../../change/byte-writer.ts';
import { writeInteger } from './long.ts';

/** Any text as it is: length and bytes. */
export function writeText(bytes: Buffer, start: number, end: number, out: ByteWriter): boolean {
  writeInteger(out, end - start);
  out.copy(bytes, start, end);
  return true;
}

const NIBBLES = nibbles();

/** bytea in its hex form, `\x00ff` -> length and bytes. */
export function writeBytes(bytes: Buffer, start: number, end: number, out: ByteWriter): boolean {
  const size = end - start - 2;
  if (size < 0 || size % 2 !== 0 || bytes[start] !== 0x5c || bytes[start + 1] !== 0x78) return false;
  writeInteger(out, size / 2);
  out.ensure(size / 2);
  const target = out.bytes;
  let at = out.length;
  let invalid = 0;
  for (let i = start + 2; i < end; i += 2) {
    const byte = ((NIBBLES[bytes[i] as number] as number) << 4) | (NIBBLES[bytes[i + 1] as number] as number);
    invalid |= byte;
    target[at++] = byte;
  }
  out.length = at;
  return invalid >= 0;
}

/** By ASCII code; -1 for what is no lower-case hexadecimal digit. */
function nibbles(): Int8Array {
  const table = new Int8Array(256).fill(-1);
  const letters = '0123456789abcdef';
  for (let value = 0; value < letters.length; value++) table[letters.charCodeAt(value)] = value;
  return table;
}
