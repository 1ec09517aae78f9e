import { viewOf } from '../../change/batch.ts';
import { RecordError } from '../../errors.ts';

const NOTHING = Buffer.alloc(0);
const VIEW_OF_NOTHING = viewOf(NOTHING);

/** Reads Avro's primitives from a stretch of bytes; every read is checked against its end. */
export class AvroInput {
  readonly #what: string;
  bytes: Buffer = NOTHING;
  /** The same bytes, for `Batch.append`. */
  view: DataView = VIEW_OF_NOTHING;
  at = 0;
  end = 0;
  /** The 64-bit integer that `long` read last: a signed high half and an unsigned low half. */
  high = 0;
  low = 0;

  /** `what` names the bytes in errors. */
  constructor(what: string) {
    this.#what = what;
  }

  open(bytes: Buffer, start: number, end: number): void {
    if (this.bytes !== bytes) this.view = viewOf(bytes);
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  /** Holds the bytes no longer. */
  close(): void {
    this.bytes = NOTHING;
    this.view = VIEW_OF_NOTHING;
    this.at = 0;
    this.end = 0;
  }

  /** A RecordError about these bytes. */
  error(problem: string, cause?: unknown): RecordError {
    return new RecordError(`${this.#what} ${problem}`, {
      cause,
      advice: 'The record was damaged, or written with another schema than the one that its id names.',
    });
  }

  /** Passes over `size` bytes and returns where they start. */
  take(size: number): number {
    const start = this.at;
    if (!(size <= this.end - start)) throw this.error('is cut off');
    this.at = start + size;
    return start;
  }

  byte(): number {
    return this.bytes[this.take(1)] as number;
  }

  /** An `int`, or a `long` that must fit into 32 bits: union indexes, small numbers. */
  int(): number {
    if (this.at < this.end) {
      const first = this.bytes[this.at] as number;
      if (first < 128) {
        this.at++;
        return (first >>> 1) ^ -(first & 1);
      }
    }
    this.long();
    if (this.high !== this.low >> 31) throw this.error('holds an integer that is out of range');
    return this.low | 0;
  }

  /** The length of what follows: not negative and no more than there is. */
  length(): number {
    const length = this.int();
    if (length < 0 || length > this.end - this.at) throw this.error('is cut off');
    return length;
  }

  /** A `long`; the result is in `high` and `low`. */
  long(): void {
    const { bytes, end } = this;
    let { at } = this;
    let lower = 0; // bits 0-27
    let middle = 0; // bits 28-55
    let upper = 0; // bits 56-63
    for (let shift = 0; ; shift += 7) {
      if (at >= end) throw this.error('is cut off');
      const byte = bytes[at++] as number;
      const part = byte & 127;
      if (shift < 28) lower |= part << shift;
      else if (shift < 56) middle |= part << (shift - 28);
      else if (shift > 63 || (shift === 63 && part > 1)) throw this.error('holds an integer that is out of range');
      else upper |= part << (shift - 56);
      if (byte < 128) break;
    }
    this.at = at;
    const low = (lower | (middle << 28)) >>> 0;
    const high = ((middle >>> 4) | (upper << 24)) >>> 0;
    const sign = -(low & 1);
    this.low = (((low >>> 1) | (high << 31)) ^ sign) >>> 0;
    this.high = (high >>> 1) ^ sign;
  }

  /** What `long` read, as a number; exact only for safe integers. */
  number(): number {
    return this.high * 0x1_0000_0000 + this.low;
  }
}
