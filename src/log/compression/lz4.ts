import { BeyondBounds } from './bounds.ts';
import { loadPackage } from './load-package.ts';

/** Blocks of LZ4, each behind its decompressed size in four bytes, little-endian; of those that are read it may be larger than the block becomes. */
interface Lz4 {
  compressSync(bytes: Buffer): Buffer;
  uncompressSync(bytes: Buffer): Buffer;
}

const MAGIC = 0x184d2204;
/**
 * The size of blocks that Kafka's own clients write. Larger ones are read faster, but take a fifth more time to write, and readers get
 * room for a whole block of the size that the frame declares.
 */
const BLOCK_BYTES = 64 * 1024;
/** Magic; version 1 with independent blocks and no checksums; blocks of at most 64 KiB; checksum of the two bytes before. */
const FRAME_HEADER = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]);
const END_MARK = Buffer.alloc(4);
const STORED = 0x8000_0000;
/** No byte of LZ4 stands for more bytes than that. */
const MOST_PER_BYTE = 255;

let lz4: Lz4 | undefined;

/**
 * One LZ4 frame.
 * @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 */
export function compressLz4(bytes: Buffer): readonly Uint8Array[] {
  lz4 ??= loadPackage<Lz4>('lz4-napi', 'lz4');
  const parts: Uint8Array[] = [FRAME_HEADER];
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = bytes.subarray(at, at + BLOCK_BYTES);
    const sized = lz4.compressSync(block);
    const size = sized.length - 4;
    if (size < block.length) {
      sized.writeUInt32LE(size, 0); // in a frame the compressed size stands there
      parts.push(sized);
    } else {
      const stored = Buffer.allocUnsafe(4);
      stored.writeUInt32LE(STORED + block.length, 0);
      parts.push(stored, block);
    }
  }
  parts.push(END_MARK);
  return parts;
}

/**
 * Reads one LZ4 frame, whoever wrote it. Its own checksums are not looked at: the record batch has one. Throws BeyondBounds, or another
 * Error for bytes that are no frame.
 */
export function decompressLz4(bytes: Buffer, maxBytes: number): Buffer {
  lz4 ??= loadPackage<Lz4>('lz4-napi', 'lz4');
  const { blockBytes, blockChecksum, start } = frameOf(bytes);
  const parts: Buffer[] = [];
  let length = 0;
  for (let at = start; ; ) {
    const mark = bytes.readUInt32LE(at);
    if (mark === 0) return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, length);
    at += 4;
    const size = mark % STORED;
    if (size > blockBytes || at + size > bytes.length) throw new Error('A block of the LZ4 frame is cut off');
    const block = bytes.subarray(at, at + size);
    const part = mark >= STORED ? block : blockOf(lz4, block, blockBytes);
    length += part.length;
    if (length > maxBytes) throw new BeyondBounds(maxBytes);
    parts.push(part);
    at += size + blockChecksum;
  }
}

function blockOf(codec: Lz4, block: Buffer, blockBytes: number): Buffer {
  const input = Buffer.allocUnsafe(4 + block.length);
  input.writeUInt32LE(Math.min(blockBytes, block.length * MOST_PER_BYTE), 0);
  block.copy(input, 4);
  return codec.uncompressSync(input);
}

/** What the frame's header says: the largest size of its blocks, how many bytes follow each of them, and where the first one begins. */
function frameOf(bytes: Buffer): { blockBytes: number; blockChecksum: number; start: number } {
  if (bytes.length < FRAME_HEADER.length || bytes.readUInt32LE(0) !== MAGIC)
    throw new Error('No LZ4 frame begins here');
  const flags = bytes[4] as number;
  const sizeCode = ((bytes[5] as number) >> 4) & 7;
  if (flags >> 6 !== 1 || sizeCode < 4) throw new Error('The LZ4 frame has a header of an unknown version');
  if ((flags & 0x20) === 0 || (flags & 1) !== 0) {
    throw new Error('The LZ4 frame has blocks that depend on others, or on a dictionary; Kafka takes neither');
  }
  const contentSize = (flags & 0x08) === 0 ? 0 : 8;
  return {
    blockBytes: 1 << (2 * sizeCode + 8),
    blockChecksum: (flags & 0x10) === 0 ? 0 : 4,
    start: FRAME_HEADER.length + contentSize,
  };
}
