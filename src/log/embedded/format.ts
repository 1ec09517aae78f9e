import { crc32c } from '@node-rs/crc32';
import { OperatorError } from '../../errors.ts';

/** Version of the files of an embedded log; a newer one is refused, an older one is read (docs/format.md, "Embedded log"). */
export const FORMAT_VERSION = 1;

const FILE_MAGIC = Buffer.from('ROWCASTL');
const FILE_FIXED_BYTES = 31;
const FILE_ENTRY_BYTES = 10;
const CRC_BYTES = 4;

/** 'segment': everything that was published, in order. 'kept': what outlives the segments that were dropped. */
export type FileKind = 'segment' | 'kept';
const KINDS: readonly FileKind[] = ['segment', 'kept'];

/** The beginning of a file: complete and synced before the file gets its name, so damage here is never a torn write. */
export interface FileHeader {
  readonly kind: FileKind;
  /** Segments count from 1; a kept file has the number of the last segment that it stands for. */
  readonly number: number;
  /** Seeds the checksums of this file's frames, so that frames inside a record's value are not taken for frames. */
  readonly salt: number;
  /** Number of the first frame; frames are numbered through over all segments. */
  readonly firstSequence: number;
  /**
   * By topic number. In a segment: the offset that the topic's next record had when it began; absent: 0. In a kept file, which
   * is written at once: the offset behind its last record of the topic; absent: it has none.
   */
  readonly bases: ReadonlyMap<number, number>;
}

/**
 * Magic 8, version 2, kind 1, number 6, salt 4, first sequence 6, count of topics 4, per topic number 4 and base 6, crc32c 4;
 * big-endian.
 */
export function encodeFileHeader(header: FileHeader): Buffer {
  const bytes = Buffer.alloc(FILE_FIXED_BYTES + FILE_ENTRY_BYTES * header.bases.size + CRC_BYTES);
  FILE_MAGIC.copy(bytes);
  bytes.writeUInt16BE(FORMAT_VERSION, 8);
  bytes[10] = KINDS.indexOf(header.kind) + 1;
  bytes.writeUIntBE(header.number, 11, 6);
  bytes.writeUInt32BE(header.salt, 17);
  bytes.writeUIntBE(header.firstSequence, 21, 6);
  bytes.writeUInt32BE(header.bases.size, 27);
  let at = FILE_FIXED_BYTES;
  for (const [topic, base] of header.bases) {
    bytes.writeUInt32BE(topic, at);
    bytes.writeUIntBE(base, at + 4, 6);
    at += FILE_ENTRY_BYTES;
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, at)), at);
  return bytes;
}

/** How many bytes a header has whose first bytes (at least 31) these are; 31 when they say nothing sensible. */
export function fileHeaderBytes(start: Buffer): number {
  if (start.length < FILE_FIXED_BYTES) return FILE_FIXED_BYTES;
  return FILE_FIXED_BYTES + FILE_ENTRY_BYTES * start.readUInt32BE(27) + CRC_BYTES;
}

/** Reads a file's header; OperatorError when it is damaged or of a newer version. `path` is for messages. */
export function decodeFileHeader(bytes: Buffer, path: string): FileHeader {
  if (bytes.length < FILE_FIXED_BYTES || !bytes.subarray(0, 8).equals(FILE_MAGIC)) throw damaged(path, 0);
  const version = bytes.readUInt16BE(8);
  if (version > FORMAT_VERSION) throw tooNew(path, version);
  const kind = KINDS[(bytes[10] as number) - 1];
  const size = fileHeaderBytes(bytes);
  if (kind === undefined || bytes.length < size) throw damaged(path, 0);
  const end = size - CRC_BYTES;
  if (bytes.readUInt32BE(end) !== crc32c(bytes.subarray(0, end))) throw damaged(path, 0);
  const bases = new Map<number, number>();
  for (let at = FILE_FIXED_BYTES; at < end; at += FILE_ENTRY_BYTES) {
    bases.set(bytes.readUInt32BE(at), bytes.readUIntBE(at + 4, 6));
  }
  return {
    kind,
    number: bytes.readUIntBE(11, 6),
    salt: bytes.readUInt32BE(17),
    firstSequence: bytes.readUIntBE(21, 6),
    bases,
  };
}

/** A record batch as a frame holds it: `size` bytes with offsets `base` to `base + count - 1` of a topic. */
export interface PlacedBatch {
  readonly topic: number;
  readonly base: number;
  readonly count: number;
  readonly size: number;
}

/**
 * A frame is one commit: magic 4, length 4 of what follows the checksum, crc32c 4 of it, sequence 6, count of batches 4,
 * per batch topic 4, base 6, count 4, size 4; then the batches.
 */
export const FRAME_MAGIC: Buffer = Buffer.from('RCFR');
export const FRAME_HEAD_BYTES = 22;
/** Where the checksummed part begins; also what the frame's length does not count. */
export const FRAME_PREFIX_BYTES = 12;
export const FRAME_ENTRY_BYTES = 18;
/** The most that one frame holds: a commit is handed to the file system as one write. */
export const MAX_FRAME_BYTES = 1_073_741_824;

/** The head and table of a frame whose batches are `body`, one buffer after another. */
export function encodeFrameHead(
  sequence: number,
  batches: readonly PlacedBatch[],
  body: readonly Buffer[],
  salt: number,
): Buffer {
  const head = Buffer.allocUnsafe(FRAME_HEAD_BYTES + FRAME_ENTRY_BYTES * batches.length);
  FRAME_MAGIC.copy(head);
  head.writeUIntBE(sequence, 12, 6);
  head.writeUInt32BE(batches.length, 18);
  let at = FRAME_HEAD_BYTES;
  let length = head.length - FRAME_PREFIX_BYTES;
  for (const batch of batches) {
    head.writeUInt32BE(batch.topic, at);
    head.writeUIntBE(batch.base, at + 4, 6);
    head.writeUInt32BE(batch.count, at + 10);
    head.writeUInt32BE(batch.size, at + 14);
    at += FRAME_ENTRY_BYTES;
    length += batch.size;
  }
  head.writeUInt32BE(length, 4);
  let checksum = crc32c(head.subarray(FRAME_PREFIX_BYTES), salt);
  for (const bytes of body) checksum = crc32c(bytes, checksum);
  head.writeUInt32BE(checksum, 8);
  return head;
}

/** The table's entry at `at`. */
export function decodeEntry(table: Buffer, at: number): PlacedBatch {
  return {
    topic: table.readUInt32BE(at),
    base: table.readUIntBE(at + 4, 6),
    count: table.readUInt32BE(at + 10),
    size: table.readUInt32BE(at + 14),
  };
}

/** What is said of a file that lost or changed bytes which were once stored. */
export function damaged(path: string, position: number): OperatorError {
  return new OperatorError(`Embedded log file "${path}" is damaged at byte ${position}`, {
    advice:
      'Restore the directory from a copy of one moment, or start with an empty directory and a new snapshot. Nothing behind ' +
      'the damage is used, because it would be history with a hole.',
  });
}

/** What is said of a file that somebody has removed or put another in the place of. */
export function missing(path: string): OperatorError {
  return new OperatorError(`Embedded log file "${path}" is missing`, {
    advice: 'Restore it, or start with an empty directory and a new snapshot.',
  });
}

export function tooNew(path: string, version: number): OperatorError {
  return new OperatorError(
    `Embedded log file "${path}" has format ${version}, this Rowcast reads format ${FORMAT_VERSION}`,
    {
      advice: 'A newer Rowcast has written it: start the newer Rowcast.',
    },
  );
}
