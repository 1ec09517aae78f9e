import { ByteWriter } from '../../change/byte-writer.ts';
import { writeInteger } from './long.ts';
import type { CellReader } from './number-reader.ts';
import type { CellWriter } from './number-writer.ts';
import { writeBytes } from './text-writer.ts';

/** How a string says bytes. */
export type BinaryEncoding = 'base64' | 'base64-url-safe' | 'hex';

/** Bytes that become text at once: a multiple of 3, so that base64 is padded at the end only; V8 knows no strings of a gigabyte. */
const PIECE = 3 * 16_384;
const SCRATCH_BYTES = 4 * PIECE;

/** bytea in its hex form as a string of base64 or hexadecimal digits, as Java's encoders print them (with padding). */
export function binaryWriter(encoding: BinaryEncoding): CellWriter {
  let scratch = new ByteWriter(64);
  return (bytes, start, end, out) => {
    scratch.length = 0;
    if (!writeBytes(bytes, start, end, scratch)) return false;
    const size = (end - start - 2) / 2;
    const first = scratch.length - size;
    writeInteger(out, encoding === 'hex' ? 2 * size : 4 * Math.ceil(size / 3));
    for (let at = first; at < scratch.length; at += PIECE) {
      const piece = scratch.bytes.subarray(at, Math.min(at + PIECE, scratch.length));
      const text = encoding === 'hex' ? piece.toString('hex') : piece.toString('base64');
      const shown = encoding === 'base64-url-safe' ? text.replaceAll('+', '-').replaceAll('/', '_') : text;
      out.ensure(shown.length);
      out.length += out.bytes.write(shown, out.length, 'latin1');
    }
    // One large value must not be held for ever (Invariant 9).
    if (scratch.bytes.length > SCRATCH_BYTES) scratch = new ByteWriter(64);
    return true;
  };
}

/** A string of base64 (of either alphabet) or hexadecimal digits -> `\x00ff`. */
export function binaryReader(encoding: BinaryEncoding): CellReader {
  return (input, batch) => {
    const size = input.length();
    const start = input.take(size);
    let at = batch.reserve(2);
    batch.byteLength = at + batch.bytes.write('\\x', at, 'latin1');
    const step = encoding === 'hex' ? 2 * PIECE : (4 * PIECE) / 3;
    for (let from = start; from < start + size; from += step) {
      const text = input.bytes.toString('latin1', from, Math.min(from + step, start + size));
      const hex = Buffer.from(text, encoding === 'hex' ? 'hex' : 'base64').toString('hex');
      at = batch.reserve(hex.length);
      batch.byteLength = at + batch.bytes.write(hex, at, 'latin1');
    }
  };
}
