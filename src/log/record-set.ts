import { crc32c } from '@node-rs/crc32';
import { ByteWriter, type Run } from '../change/byte-writer.ts';
import { BatchMemory } from './batch-memory.ts';
import type { BatchCompression } from './batch-compression.ts';
import { MAX_RECORDS_BYTES } from './compression/bounds.ts';

/** One record batch in Kafka's format v2, sealed: header, checksum and records. Its base offset is 0 until a log gives it one. */
export interface RecordBatch {
  readonly bytes: Buffer;
  readonly count: number;
}

/** Records for one partition: batches that each stay below the writer's limit, in order. */
export interface RecordSet {
  readonly batches: readonly RecordBatch[];
  readonly count: number;
  readonly byteLength: number;
  /** Gives back the memory of the batches, once, when nobody reads them any more: they were stored. Without it they are garbage some day. */
  readonly release?: () => void;
}

/**
 * A record batch's header: base offset 8, length 4, leader epoch 4, magic 1, crc 4, attributes 2, last offset delta 4,
 * base timestamp 8, max timestamp 8, producer id 8, producer epoch 2, base sequence 4, count 4.
 * @see https://kafka.apache.org/documentation/#recordbatch
 */
export const BATCH_HEADER_BYTES = 61;
const CRC_AT = 17;
const CRC_FROM = 21;

/**
 * Below Kafka's default max.message.bytes (1,048,588). The batch's framing is counted; what is left is for a broker that
 * rewrites the header.
 */
export const DEFAULT_MAX_BATCH_BYTES = 1_000_000;

/** Lengths are reserved with this many bytes, and what follows is shifted when they need another number: values above 8 kB, keys above 63 bytes. */
const RESERVED = 2;
const KEY_RESERVED = 1;

export interface RecordSetWriterOptions {
  /** How much the first batch is given. */
  readonly size?: number;
  /** Tells apart the writers that the records of one table go to in turn: a small number. */
  readonly slot?: number;
  /** Memory to take from and to give back to, shared with other writers. */
  readonly memory?: BatchMemory;
  /** Absent: batches are not compressed. One that would not become smaller is not, either. */
  readonly compression?: BatchCompression | undefined;
}

/** What a writer writes to while it has nothing to write. */
const NOTHING = new ByteWriter(0);

/**
 * Writes records in place into record batches: `beginRecord`, `beginKey`…`endKey` (or `nullKey`), `beginValue`…`endValue`
 * (or `nullValue`), `headers(n)` and n times `header`, `endRecord`. Nothing is copied but a record that overflows its batch. Batches
 * end at the limit as they are before they are compressed: who reads them needs memory for that.
 */
export class RecordSetWriter {
  readonly #maxBatchBytes: number;
  readonly #now: () => number;
  readonly #slot: number;
  readonly #memory: BatchMemory;
  readonly #compression: BatchCompression | undefined;
  /** How much a new batch is given when there is no memory to use again. */
  #size: number;
  #sealed: RecordBatch[] = [];
  #used: ByteWriter[] = [];
  #sealedCount = 0;
  #sealedBytes = 0;
  #out: ByteWriter = NOTHING;
  #count = 0;
  #record = 0;
  #body = 0;
  #field = 0;

  /** `now` gives the batches' timestamp in milliseconds since 1970. */
  constructor(
    now: () => number,
    maxBatchBytes: number = DEFAULT_MAX_BATCH_BYTES,
    { size = 64 * 1024, slot = 0, memory = new BatchMemory(), compression }: RecordSetWriterOptions = {},
  ) {
    this.#now = now;
    this.#maxBatchBytes = maxBatchBytes;
    this.#size = size;
    this.#slot = slot;
    this.#memory = memory;
    this.#compression = compression;
  }

  /** Records begun so far. */
  get count(): number {
    return this.#sealedCount + this.#count;
  }

  get byteLength(): number {
    return this.#sealedBytes + this.#out.length - this.#out.start;
  }

  beginRecord(): void {
    if (this.#out === NOTHING) this.#out = this.#begin();
    const out = this.#out;
    this.#record = out.length;
    out.ensure(RESERVED + 8);
    out.length += RESERVED;
    out.bytes[out.length++] = 0; // attributes
    out.bytes[out.length++] = 0; // timestamp delta
    out.varint(this.#count);
    this.#body = out.length;
    this.#count++;
  }

  nullKey(): void {
    this.#out.byte(1); // varint of -1
  }

  /** The writer to write the key's bytes to, until `endKey`. */
  beginKey(): ByteWriter {
    return this.#beginField(KEY_RESERVED);
  }

  endKey(): void {
    this.#endLength(this.#field, KEY_RESERVED);
  }

  nullValue(): void {
    this.#out.byte(1);
  }

  beginValue(): ByteWriter {
    return this.#beginField(RESERVED);
  }

  endValue(): void {
    this.#endLength(this.#field, RESERVED);
  }

  headers(count: number): void {
    this.#out.varint(count);
  }

  /** A header with value `source[start..end)`. */
  header(name: Buffer, source: Buffer, start: number, end: number): void {
    const out = this.#out;
    out.varint(name.length);
    out.copy(name, 0, name.length);
    out.varint(end - start);
    out.copy(source, start, end);
  }

  /** A header that is written whole, name, value and their lengths; returns where it begins in `bytes`, to be filled in until the next call. */
  wholeHeader(header: Run): number {
    const out = this.#out;
    const at = out.length;
    out.put(header);
    return at;
  }

  /** What is being written. */
  get bytes(): Buffer {
    return this.#out.bytes;
  }

  endRecord(): void {
    this.#endLength(this.#record, RESERVED);
    if (this.#out.length - this.#out.start > this.#maxBatchBytes && this.#count > 1) this.#moveRecordToNewBatch();
  }

  /** Seals the last batch and gives everything away; the writer starts empty again. */
  finish(): RecordSet {
    if (this.#count > 0) this.#free(this.#seal(this.#out.length));
    const used = this.#used;
    const release = (): void => {
      for (const out of used.splice(0)) this.#memory.give(out);
    };
    const set: RecordSet = {
      batches: this.#sealed,
      count: this.#sealedCount,
      byteLength: this.#sealedBytes,
      ...(used.length > 0 && { release }),
    };
    this.#sealed = [];
    this.#used = [];
    this.#sealedCount = 0;
    this.#sealedBytes = 0;
    return set;
  }

  #beginField(reserved: number): ByteWriter {
    const out = this.#out;
    this.#field = out.length;
    out.ensure(reserved);
    out.length += reserved;
    return out;
  }

  /** Fills in the length that was reserved at `at`, in as few bytes as Kafka's own writer uses. */
  #endLength(at: number, reserved: number): void {
    const out = this.#out;
    const size = out.length - at - reserved;
    const width = size < 64 ? 1 : size < 8192 ? 2 : size < 1_048_576 ? 3 : size < 134_217_728 ? 4 : 5;
    if (width === reserved) {
      const zigzag = size << 1;
      if (width === 1) out.bytes[at] = zigzag;
      else {
        out.bytes[at] = (zigzag & 127) | 128;
        out.bytes[at + 1] = zigzag >>> 7;
      }
      return;
    }
    const shift = width - reserved;
    if (shift > 0) out.ensure(shift);
    out.bytes.copyWithin(at + width, at + reserved, out.length);
    const end = out.length + shift;
    out.length = at;
    out.varint(size);
    out.length = end;
    if (at === this.#record) this.#body += shift;
  }

  /** The record's offset delta becomes 0; everything behind it stays as it is. */
  #moveRecordToNewBatch(): void {
    const { bytes, length } = this.#out;
    const recordStart = this.#record;
    const body = this.#body;
    this.#count--;
    const spent = this.#seal(recordStart);
    this.beginRecord();
    this.#out.copy(bytes, body, length);
    this.#endLength(this.#record, RESERVED);
    this.#free(spent);
  }

  /** Ends the batch before `end`. Returns its writer when the batch is a compressed copy, so that the writer can be written to again. */
  #seal(end: number): ByteWriter | undefined {
    const out = this.#out;
    const plain = out.bytes.subarray(out.start, end);
    const compressed = this.#compressed(plain);
    const bytes = compressed ?? plain;
    const timestamp = this.#now();
    bytes.fill(0, 0, BATCH_HEADER_BYTES);
    bytes.writeInt32BE(bytes.length - 12, 8);
    bytes.writeInt32BE(-1, 12);
    bytes[16] = 2; // magic
    if (compressed !== undefined) bytes.writeInt16BE(this.#compression?.id ?? 0, 21);
    bytes.writeInt32BE(this.#count - 1, 23);
    bytes.writeUIntBE(timestamp, 29, 6);
    bytes.writeUIntBE(timestamp, 37, 6);
    bytes.fill(255, 43, 57); // no producer id, epoch, sequence
    bytes.writeInt32BE(this.#count, 57);
    bytes.writeUInt32BE(crc32c(bytes.subarray(CRC_FROM)), CRC_AT);
    this.#sealed.push({ bytes, count: this.#count });
    this.#sealedCount += this.#count;
    this.#sealedBytes += bytes.length;
    this.#count = 0;
    this.#out = NOTHING;
    this.#size = Math.max(BATCH_HEADER_BYTES, Math.min(plain.length, this.#maxBatchBytes)) + 1024;
    if (compressed !== undefined) return out;
    this.#used.push(out);
    return undefined;
  }

  /** Room for the header and the records compressed; undefined when that is not to be, or not smaller, or nobody could read it. */
  #compressed(plain: Buffer): Buffer | undefined {
    if (this.#compression === undefined || plain.length > MAX_RECORDS_BYTES) return undefined;
    const parts = this.#compression.compress(plain.subarray(BATCH_HEADER_BYTES));
    const length = parts.reduce((sum, part) => sum + part.length, BATCH_HEADER_BYTES);
    if (length >= plain.length) return undefined;
    const bytes = Buffer.allocUnsafe(length);
    let at = BATCH_HEADER_BYTES;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  #free(spent: ByteWriter | undefined): void {
    if (spent !== undefined) this.#memory.give(spent);
  }

  #begin(): ByteWriter {
    const out = this.#memory.take(this.#size, this.#slot);
    out.ensure(BATCH_HEADER_BYTES);
    out.length += BATCH_HEADER_BYTES;
    return out;
  }
}

/** Sets the first offset of a sealed batch; not covered by its checksum. */
export function setBaseOffset(batch: Buffer, offset: number): void {
  batch.writeBigInt64BE(BigInt(offset), 0);
}
