import type { FileHandle } from 'node:fs/promises';
import { crc32c } from '@node-rs/crc32';
import {
  damaged,
  decodeEntry,
  FRAME_ENTRY_BYTES,
  FRAME_HEAD_BYTES,
  FRAME_MAGIC,
  FRAME_PREFIX_BYTES,
  type PlacedBatch,
} from './format.ts';

/** How much of a file is read at once while its frames are checked. */
const WINDOW_BYTES = 1_048_576;

/** An open file of a log; the path is for messages. */
export interface ScannedFile {
  readonly handle: FileHandle;
  readonly path: string;
}

/** An intact frame: where it ends, and its table. */
export interface Frame {
  readonly sequence: number;
  readonly end: number;
  /** The position of its first batch; the others follow without gaps. */
  readonly body: number;
  readonly batches: readonly PlacedBatch[];
}

/**
 * Checks the frames from `start` on and shows every intact one to `visit`, in order. Returns where the first byte lies
 * that belongs to no intact frame: `size` when all of the file is sound.
 */
export async function scanFrames(
  file: ScannedFile,
  start: number,
  size: number,
  salt: number,
  visit: (frame: Frame, position: number) => void,
): Promise<number> {
  const window = new FileWindow(file, size);
  let at = start;
  for (;;) {
    const frame = await readFrame(window, at, salt);
    if (frame === undefined) return at;
    visit(frame, at);
    at = frame.end;
  }
}

/** Whether an intact frame begins anywhere in `[from, size)`: then what lies before it is no torn write but damage. */
export async function hasFrameAfter(file: ScannedFile, from: number, size: number, salt: number): Promise<boolean> {
  const window = new FileWindow(file, size);
  let at = from;
  while (at + FRAME_HEAD_BYTES <= size) {
    const bytes = await window.take(at, Math.min(WINDOW_BYTES, size - at));
    const hit = bytes.indexOf(FRAME_MAGIC);
    if (hit < 0) at += Math.max(1, bytes.length - FRAME_MAGIC.length + 1);
    else if ((await readFrame(window, at + hit, salt)) !== undefined) return true;
    else at += hit + 1;
  }
  return false;
}

async function readFrame(window: FileWindow, at: number, salt: number): Promise<Frame | undefined> {
  if (at + FRAME_HEAD_BYTES > window.size) return undefined;
  const head = await window.take(at, FRAME_HEAD_BYTES);
  if (head.compare(FRAME_MAGIC, 0, FRAME_MAGIC.length, 0, FRAME_MAGIC.length) !== 0) return undefined;
  const end = at + FRAME_PREFIX_BYTES + head.readUInt32BE(4);
  const count = head.readUInt32BE(18);
  const body = at + FRAME_HEAD_BYTES + count * FRAME_ENTRY_BYTES;
  if (end > window.size || body > end) return undefined;
  const checksum = head.readUInt32BE(8);
  const sequence = head.readUIntBE(12, 6);
  const headChecksum = crc32c(head.subarray(FRAME_PREFIX_BYTES), salt);
  const table = Buffer.from(await window.take(at + FRAME_HEAD_BYTES, count * FRAME_ENTRY_BYTES));
  if ((await checksumOf(window, body, end, crc32c(table, headChecksum))) !== checksum) return undefined;
  const batches: PlacedBatch[] = [];
  for (let entry = 0; entry < table.length; entry += FRAME_ENTRY_BYTES) batches.push(decodeEntry(table, entry));
  const stored = batches.reduce((sum, batch) => sum + batch.size, 0);
  return stored === end - body ? { sequence, end, body, batches } : undefined;
}

async function checksumOf(window: FileWindow, from: number, end: number, seed: number): Promise<number> {
  let checksum = seed;
  for (let at = from; at < end; at += WINDOW_BYTES) {
    checksum = crc32c(await window.take(at, Math.min(WINDOW_BYTES, end - at)), checksum);
  }
  return checksum;
}

/** A piece of a file in memory, read ahead in large steps. What `take` gives is valid until the next `take`. */
class FileWindow {
  readonly #file: ScannedFile;
  readonly size: number;
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;

  constructor(file: ScannedFile, size: number) {
    this.#file = file;
    this.size = size;
  }

  async take(at: number, length: number): Promise<Buffer> {
    if (at < this.#start || at + length > this.#start + this.#bytes.length) await this.#fill(at, length);
    return this.#bytes.subarray(at - this.#start, at - this.#start + length);
  }

  async #fill(at: number, length: number): Promise<void> {
    const wanted = Math.max(length, Math.min(WINDOW_BYTES, this.size - at));
    const bytes = Buffer.allocUnsafeSlow(wanted);
    await readInto(this.#file, at, bytes, 0, wanted);
    this.#bytes = bytes;
    this.#start = at;
  }
}

/** Fills `into[at..at+length)` from the file's `position` on; OperatorError when the file ends before. */
export async function readInto(
  file: ScannedFile,
  position: number,
  into: Buffer,
  at: number,
  length: number,
): Promise<void> {
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.handle.read(into, at + done, length - done, position + done);
    if (bytesRead === 0) throw damaged(file.path, position + done);
    done += bytesRead;
  }
}
