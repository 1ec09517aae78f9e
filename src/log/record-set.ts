import { crc32c } from '@node-rs/crc32';
import { ByteWriter } from '../change/byte-writer.ts';

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

/** Lengths are reserved with this many bytes and shifted when they need another number (values above 8 kB). */
const RESERVED = 2;

/**
 * Writes records in place into record batches: `beginRecord`, `beginKey`…`endKey` (or `nullKey`), `beginValue`…`endValue`
 * (or `nullValue`), `headers(n)` and n times `header`, `endRecord`. Nothing is copied but a record that overflows its batch.
 */
export class RecordSetWriter {
  readonly #maxBatchBytes: number;
  readonly #now: () => number;
  #sealed: RecordBatch[] = [];
  #sealedCount = 0;
  #sealedBytes = 0;
  #out: ByteWriter;
  #count = 0;
  #record = 0;
  #body = 0;
  #field = 0;

  /** `now` gives the batches' timestamp in milliseconds since 1970. */
  constructor(now: () => number, maxBatchBytes: number = DEFAULT_MAX_BATCH_BYTES, size: number = 64 * 1024) {
    this.#now = now;
    this.#maxBatchBytes = maxBatchBytes;
    this.#out = new ByteWriter(Math.max(size, BATCH_HEADER_BYTES));
    this.#out.length = BATCH_HEADER_BYTES;
  }

  /** Records begun so far. */
  get count(): number {
    return this.#sealedCount + this.#count;
  }

  get byteLength(): number {
    return this.#sealedBytes + this.#out.length;
  }

  beginRecord(): void {
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
    return this.#beginField();
  }

  endKey(): void {
    this.#endLength(this.#field);
  }

  nullValue(): void {
    this.#out.byte(1);
  }

  beginValue(): ByteWriter {
    return this.#beginField();
  }

  endValue(): void {
    this.#endLength(this.#field);
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

  endRecord(): void {
    this.#endLength(this.#record);
    if (this.#out.length > this.#maxBatchBytes && this.#count > 1) this.#moveRecordToNewBatch();
  }

  /** Seals the last batch and gives everything away; the writer starts empty again. */
  finish(): RecordSet {
    if (this.#count > 0) this.#seal(this.#out.length);
    const set: RecordSet = { batches: this.#sealed, count: this.#sealedCount, byteLength: this.#sealedBytes };
    this.#sealed = [];
    this.#sealedCount = 0;
    this.#sealedBytes = 0;
    return set;
  }

  #beginField(): ByteWriter {
    const out = this.#out;
    this.#field = out.length;
    out.ensure(RESERVED);
    out.length += RESERVED;
    return out;
  }

  /** Fills in the length that was reserved at `at`, in as few bytes as Kafka's own writer uses. */
  #endLength(at: number): void {
    const out = this.#out;
    const size = out.length - at - RESERVED;
    if (size >= 64 && size < 8192) {
      const zigzag = size << 1;
      out.bytes[at] = (zigzag & 127) | 128;
      out.bytes[at + 1] = zigzag >>> 7;
      return;
    }
    const width = size < 64 ? 1 : size < 1_048_576 ? 3 : size < 134_217_728 ? 4 : 5;
    const shift = width - RESERVED;
    if (shift > 0) out.ensure(shift);
    out.bytes.copyWithin(at + width, at + RESERVED, out.length);
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
    this.#seal(recordStart);
    this.beginRecord();
    this.#out.copy(bytes, body, length);
    this.#endLength(this.#record);
  }

  #seal(end: number): void {
    const buffer = this.#out.bytes;
    buffer.fill(0, 0, BATCH_HEADER_BYTES);
    buffer.writeInt32BE(end - 12, 8);
    buffer.writeInt32BE(-1, 12);
    buffer[16] = 2; // magic
    buffer.writeInt32BE(this.#count - 1, 23);
    const timestamp = BigInt(this.#now());
    buffer.writeBigInt64BE(timestamp, 27);
    buffer.writeBigInt64BE(timestamp, 35);
    buffer.writeBigInt64BE(-1n, 43);
    buffer.writeInt16BE(-1, 51);
    buffer.writeInt32BE(-1, 53);
    buffer.writeInt32BE(this.#count, 57);
    const bytes = buffer.subarray(0, end);
    bytes.writeUInt32BE(crc32c(bytes.subarray(CRC_FROM)), CRC_AT);
    this.#sealed.push({ bytes, count: this.#count });
    this.#sealedCount += this.#count;
    this.#sealedBytes += end;
    this.#count = 0;
    this.#out = new ByteWriter(Math.max(BATCH_HEADER_BYTES + 1024, Math.min(end, this.#maxBatchBytes) + 1024));
    this.#out.length = BATCH_HEADER_BYTES;
  }
}

/** Sets the first offset of a sealed batch; not covered by its checksum. */
export function setBaseOffset(batch: Buffer, offset: number): void {
  batch.writeBigInt64BE(BigInt(offset), 0);
}
