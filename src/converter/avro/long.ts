import type { ByteWriter } from '../../change/byte-writer.ts';

/**
 * 64-bit integers as a signed high half and an unsigned low half: numbers hold 53 bits, BigInt costs an object.
 * Functions that give two results leave them in `high` and `low` of a Long that the caller owns.
 */
export class Long {
  high = 0;
  low = 0;

  /** Any safe integer. */
  set(value: number): void {
    this.high = Math.floor(value / 0x1_0000_0000);
    this.low = value >>> 0;
  }

  /** `value * factor` for a non-negative safe integer and a factor below 2^20; the product must be below 2^63. */
  setProduct(value: number, factor: number): void {
    const low = (value >>> 0) * factor;
    this.high = Math.floor(value / 0x1_0000_0000) * factor + Math.floor(low / 0x1_0000_0000);
    this.low = low >>> 0;
  }

  negate(): void {
    this.low = -this.low >>> 0;
    this.high = (this.low === 0 ? -this.high : ~this.high) | 0;
  }

  /**
   * The decimal digits `bytes[start..end)`, 1 to 19 of them, with this sign. Says false when the number needs more than 64 bits
   * or a byte is no digit.
   */
  parse(bytes: Buffer, start: number, end: number, isNegative: boolean): boolean {
    const split = Math.max(start, end - 9);
    const top = digits(bytes, start, split);
    const rest = digits(bytes, split, end);
    if (Number.isNaN(top) || Number.isNaN(rest)) return false;
    // top * 10^9 + rest, in halves of 16 bits so that every step stays exact
    const upper = Math.floor(top / 0x1_0000) * 1e9;
    const lower = (top % 0x1_0000) * 1e9 + rest + (upper % 0x1_0000) * 0x1_0000;
    const high = Math.floor(upper / 0x1_0000) + Math.floor(lower / 0x1_0000_0000);
    this.low = lower >>> 0;
    this.high = high | 0;
    if (high < 0x8000_0000) {
      if (isNegative) this.negate();
      return true;
    }
    return isNegative && high === 0x8000_0000 && this.low === 0;
  }
}

/** The value of decimal digits, at most 15 of them; NaN when a byte is no digit. No digits are 0. */
export function digits(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = (bytes[i] as number) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Appends a 64-bit integer as zigzag varint, Avro's `long`. */
export function writeLong(out: ByteWriter, high: number, low: number): void {
  out.ensure(10);
  const { bytes } = out;
  let at = out.length;
  const sign = high >> 31;
  let upper = (((high << 1) | (low >>> 31)) ^ sign) >>> 0;
  let lower = ((low << 1) ^ sign) >>> 0;
  while (upper !== 0) {
    bytes[at++] = (lower & 127) | 128;
    lower = ((lower >>> 7) | (upper << 25)) >>> 0;
    upper >>>= 7;
  }
  while (lower > 127) {
    bytes[at++] = (lower & 127) | 128;
    lower >>>= 7;
  }
  bytes[at++] = lower;
  out.length = at;
}

/** Appends any safe integer as zigzag varint, Avro's `int` and `long`. */
export function writeInteger(out: ByteWriter, value: number): void {
  if (value >= -0x4000_0000 && value < 0x4000_0000) out.varint(value);
  else writeLong(out, Math.floor(value / 0x1_0000_0000), value >>> 0);
}
