import { BeyondBounds } from './bounds.ts';
import { loadPackage } from './load-package.ts';

interface Snappy {
  compressSync(bytes: Buffer, options: object): Buffer;
  uncompressSync(bytes: Buffer, options: object): Buffer;
}

/** What the framing of snappy-java begins with: a name, its version, and the oldest version that reads it. */
const XERIAL_HEADER = Buffer.from('\x82SNAPPY\0\0\0\0\x01\0\0\0\x01', 'latin1');
/** Its first four bytes: where a length could stand, another stream of blocks begins. */
const XERIAL_MARK = XERIAL_HEADER.readUInt32BE(0);
const XERIAL_NAME = XERIAL_HEADER.subarray(0, 8);
/** Matches do not reach farther. */
const BLOCK_BYTES = 64 * 1024;
/** Buffers of V8's own: many small ones outside of its heap cost several times as much. */
const OPTIONS = { asBuffer: true, copyOutputData: true };

let snappy: Snappy | undefined;

/** Blocks in the framing of snappy-java, which Kafka's Java clients write and all of them read. */
export function compressSnappy(bytes: Buffer): readonly Uint8Array[] {
  snappy ??= loadPackage<Snappy>('snappy', 'snappy');
  const parts: Uint8Array[] = [XERIAL_HEADER];
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = snappy.compressSync(bytes.subarray(at, at + BLOCK_BYTES), OPTIONS);
    const size = Buffer.allocUnsafe(4);
    size.writeUInt32BE(block.length, 0);
    parts.push(size, block);
  }
  return parts;
}

/**
 * Reads both forms that there are in Kafka: framed, or one bare block, as clients in C write it. Throws BeyondBounds, or another Error
 * for bytes that are neither.
 */
export function decompressSnappy(bytes: Buffer, maxBytes: number): Buffer {
  snappy ??= loadPackage<Snappy>('snappy', 'snappy');
  const parts: Buffer[] = [];
  let length = 0;
  for (const block of isFramed(bytes) ? framedBlocks(bytes) : [bytes]) {
    length += declaredLength(block);
    if (length > maxBytes) throw new BeyondBounds(maxBytes);
    parts.push(snappy.uncompressSync(block, OPTIONS));
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, length);
}

function isFramed(bytes: Buffer): boolean {
  return bytes.length >= XERIAL_HEADER.length && bytes.subarray(0, XERIAL_NAME.length).equals(XERIAL_NAME);
}

function* framedBlocks(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt32BE(at);
    if (size === XERIAL_MARK) {
      at += XERIAL_HEADER.length;
      continue;
    }
    at += 4;
    if (at + size > bytes.length) throw new Error('A block of the snappy stream is cut off');
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** What a block begins with: the length that it becomes, seven bits in each byte. */
function declaredLength(block: Buffer): number {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = block[i];
    if (byte === undefined) break;
    length += (byte & 127) * 2 ** (7 * i);
    if (byte < 128) return length;
  }
  throw new Error('A block of the snappy stream has no length');
}
