/** One frame of zstd: its bytes, and the most that they can become. */
export interface ZstdFrame {
  readonly bytes: Buffer;
  readonly mostBytes: number;
}

const MAGIC = 0xfd2fb528;
/** Sixteen magics that differ in their last four bits mark what decoders pass over. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const MAX_BLOCK_BYTES = 128 * 1024;
const RUN = 1;
const COMPRESSED = 2;

/**
 * The frames in `bytes`, told apart by their headers and those of their blocks, so that it is known how large they become before
 * anything is decompressed. Throws Error for what is no sequence of frames.
 * @see https://www.rfc-editor.org/rfc/rfc8878#section-3.1
 */
export function* zstdFrames(bytes: Buffer): Generator<ZstdFrame> {
  for (let start = 0; start < bytes.length; ) {
    const magic = bytes.readUInt32LE(start);
    if ((magic & 0xffff_fff0) >>> 0 === SKIPPABLE_MAGIC) {
      start += 8 + bytes.readUInt32LE(start + 4);
      continue;
    }
    if (magic !== MAGIC) throw new Error('No zstd frame begins here');
    const { contentBytes, hasChecksum, end: blocks } = frameHeader(bytes, start + 4);
    const { end, mostBytes } = walkBlocks(bytes, blocks);
    const next = end + (hasChecksum ? 4 : 0);
    if (next > bytes.length) throw new Error('A zstd frame is cut off');
    yield { bytes: bytes.subarray(start, next), mostBytes: contentBytes ?? mostBytes };
    start = next;
  }
}

function frameHeader(bytes: Buffer, at: number): { contentBytes?: number; hasChecksum: boolean; end: number } {
  const descriptor = bytes.readUInt8(at);
  const isSingle = (descriptor & 0x20) !== 0;
  const hasChecksum = (descriptor & 0x04) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] as number;
  const size = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] as number;
  const sizeAt = at + 1 + (isSingle ? 0 : 1) + dictionaryBytes;
  const end = sizeAt + size;
  if (end > bytes.length) throw new Error('The header of a zstd frame is cut off');
  switch (size) {
    case 0:
      return { hasChecksum, end };
    case 2:
      return { contentBytes: bytes.readUInt16LE(sizeAt) + 256, hasChecksum, end };
    case 8:
      return { contentBytes: Number(bytes.readBigUInt64LE(sizeAt)), hasChecksum, end };
    default:
      return { contentBytes: bytes.readUIntLE(sizeAt, size), hasChecksum, end };
  }
}

/** Goes from block to block up to the last one, adding up what each can become. */
function walkBlocks(bytes: Buffer, start: number): { end: number; mostBytes: number } {
  let mostBytes = 0;
  for (let at = start; ; ) {
    const header = bytes.readUIntLE(at, 3);
    const kind = (header >> 1) & 3;
    const size = header >> 3;
    if (kind > COMPRESSED) throw new Error('A block of a zstd frame is of no known kind');
    mostBytes += kind === COMPRESSED ? MAX_BLOCK_BYTES : size;
    at += 3 + (kind === RUN ? 1 : size);
    if (at > bytes.length) throw new Error('A block of a zstd frame is cut off');
    if ((header & 1) !== 0) return { end: at, mostBytes };
  }
}
