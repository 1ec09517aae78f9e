import { crc32c } from '@node-rs/crc32';
import { OperatorError } from '../errors.ts';
import { decompress } from './compression/compression.ts';
import { BATCH_HEADER_BYTES } from './record-set.ts';

/**
 * Walks the records of consecutive record batches (Kafka's format v2) without making an object per record: after `next()`
 * has returned true the fields describe one record. A batch that is cut off at the end is not read (a fetch may cut it).
 * @see https://kafka.apache.org/documentation/#record
 */
export class RecordReader {
  #input: Buffer;
  #nextBatch = 0;
  #left = 0;
  #at = 0;
  #limit = 0;
  #headersAt = 0;
  #baseOffset = 0;
  #baseTimestamp = 0;
  /** The bytes that the bounds below point into: the input, or a decompressed batch. */
  bytes: Buffer;
  offset = -1;
  /** Milliseconds since 1970, by the clock of its writer, whatever time the topic gives to others (`LogAppendTime`). */
  timestamp = 0;
  /** -1 for a null key. */
  keyStart = -1;
  keyEnd = -1;
  /** -1 for a null value. */
  valueStart = -1;
  valueEnd = -1;

  /** Bounds of the value of the header that `findHeader` found last. */
  headerStart = 0;
  headerEnd = 0;
  /** How many headers the present record has; known once `findHeader` was asked for one of them. */
  headerCount = 0;

  constructor(input: Buffer) {
    this.#input = input;
    this.bytes = input;
  }

  /** True when `next` has no further record to give; what is left may also be the cut-off beginning of one. */
  get isAtEnd(): boolean {
    return this.#left === 0 && this.#nextBatch + BATCH_HEADER_BYTES > this.#input.length;
  }

  /** What it walks, and holds in memory as long as it is there. */
  get input(): Buffer {
    return this.#input;
  }

  /** What it holds besides: the records of a compressed batch that it has begun. */
  get decompressedBytes(): number {
    return this.bytes === this.#input ? 0 : this.bytes.length;
  }

  /** Bytes of the input that are not read yet. */
  get restBytes(): number {
    return this.#input.length - this.#restAt;
  }

  /** Walks on in a copy of what is not read yet, so that the input may be written to. The present record is given up. */
  compact(): void {
    const from = this.#restAt;
    const rest = Buffer.from(this.#input.subarray(from));
    if (this.bytes === this.#input) {
      this.bytes = rest;
      this.#at -= from;
      this.#limit -= from;
    }
    this.#input = rest;
    this.#nextBatch -= from;
  }

  get #restAt(): number {
    return this.#left > 0 && this.bytes === this.#input ? this.#at : this.#nextBatch;
  }

  next(): boolean {
    while (this.#left === 0) if (!this.#enterBatch()) return false;
    this.#left--;
    const end = this.#varint() + this.#at;
    this.#at++; // attributes
    if (this.bytes[this.#at] === 0) {
      this.#at++;
      this.timestamp = this.#baseTimestamp;
    } else this.timestamp = this.#baseTimestamp + this.#varlong();
    this.offset = this.#baseOffset + this.#varint();
    const keyLength = this.#varint();
    this.keyStart = keyLength < 0 ? -1 : this.#at;
    if (keyLength > 0) this.#at += keyLength;
    this.keyEnd = keyLength < 0 ? -1 : this.#at;
    const valueLength = this.#varint();
    this.valueStart = valueLength < 0 ? -1 : this.#at;
    if (valueLength > 0) this.#at += valueLength;
    this.valueEnd = valueLength < 0 ? -1 : this.#at;
    // Numbers that were read behind the end of the bytes are none: no comparison with them is true.
    if (!(this.#at <= end && end <= this.#limit)) throw malformed(this.offset);
    this.#headersAt = this.#at;
    this.#at = end;
    return true;
  }

  /** Finds a header of the present record; `headerStart`/`headerEnd` then bound its value. */
  findHeader(name: Buffer): boolean {
    const resume = this.#at;
    this.#at = this.#headersAt;
    const isFound = this.#walkHeaders(name, resume);
    this.#at = resume;
    return isFound;
  }

  #walkHeaders(name: Buffer, end: number): boolean {
    this.headerCount = this.#varint();
    for (let n = this.headerCount; n > 0; n--) {
      const nameLength = this.#varint();
      const nameStart = this.#at;
      this.#at += nameLength;
      const valueLength = this.#varint();
      this.headerStart = this.#at;
      if (valueLength > 0) this.#at += valueLength;
      this.headerEnd = this.#at;
      if (!(nameLength >= 0 && this.#at <= end)) throw malformed(this.offset);
      if (nameLength === name.length && equalBytes(this.bytes, nameStart, name)) return true;
    }
    return false;
  }

  #enterBatch(): boolean {
    const input = this.#input;
    const start = this.#nextBatch;
    if (start + BATCH_HEADER_BYTES > input.length) return false;
    const end = start + 12 + input.readInt32BE(start + 8);
    if (end > input.length) return false;
    if (end < start + BATCH_HEADER_BYTES) throw malformed(Number(input.readBigInt64BE(start)));
    if (input[start + 16] !== 2) {
      throw new OperatorError(`Record batch has format ${input[start + 16]}, only format 2 is read`, {
        advice: 'The topic was written by a client older than Kafka 0.11; it is not a topic of Rowcast.',
      });
    }
    this.#nextBatch = end;
    this.#baseOffset = input.readUInt32BE(start) * 0x1_0000_0000 + input.readUInt32BE(start + 4);
    this.#baseTimestamp = Number(input.readBigInt64BE(start + 27));
    const attributes = input.readInt16BE(start + 21);
    this.#left = (attributes & 0x20) === 0 ? input.readInt32BE(start + 57) : 0; // bit 5: control batch
    this.bytes = input;
    this.#limit = end;
    this.#at = start + BATCH_HEADER_BYTES;
    const codec = attributes & 7;
    if (codec !== 0 && this.#left > 0) {
      this.bytes = decompress(codec, input.subarray(this.#at, end), this.#baseOffset);
      this.#limit = this.bytes.length;
      this.#at = 0;
    }
    return true;
  }

  #varint(): number {
    const { bytes } = this;
    let byte = bytes[this.#at++] as number;
    if (byte < 128) return (byte >>> 1) ^ -(byte & 1);
    let result = byte & 127;
    let shift = 7;
    do {
      byte = bytes[this.#at++] as number;
      result |= (byte & 127) << shift;
      shift += 7;
    } while (byte > 127);
    return (result >>> 1) ^ -(result & 1);
  }

  #varlong(): number {
    const { bytes } = this;
    let result = 0;
    let scale = 1;
    let byte: number;
    do {
      byte = bytes[this.#at++] as number;
      result += (byte & 127) * scale;
      scale *= 128;
    } while (byte > 127);
    return result % 2 === 0 ? result / 2 : -(result + 1) / 2;
  }
}

function malformed(offset: number): OperatorError {
  return new OperatorError(`Record at offset ${offset} does not fit into its record batch`, {
    advice: 'The topic is damaged, or something that does not speak Kafka wrote it.',
  });
}

function equalBytes(bytes: Buffer, start: number, expected: Buffer): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[start + i] !== expected[i]) return false;
  return true;
}

/** How many offsets the whole batches in `input` have. */
export function countRecords(input: Buffer): number {
  let records = 0;
  for (let start = 0; start + BATCH_HEADER_BYTES <= input.length; start += 12 + input.readInt32BE(start + 8)) {
    records += input.readInt32BE(start + 23) + 1;
  }
  return records;
}

/** The bounds of the whole batches in `input`, with their first offset, count of offsets and whether their checksum is right. */
export function* readBatches(
  input: Buffer,
): Generator<{ start: number; end: number; base: number; count: number; intact: boolean }> {
  let start = 0;
  while (start + BATCH_HEADER_BYTES <= input.length) {
    const end = start + 12 + input.readInt32BE(start + 8);
    if (end > input.length || end < start + BATCH_HEADER_BYTES) return;
    const base = Number(input.readBigInt64BE(start));
    const count = input.readInt32BE(start + 23) + 1;
    const intact = input.readUInt32BE(start + 17) === crc32c(input.subarray(start + 21, end));
    yield { start, end, base, count, intact };
    start = end;
  }
}
