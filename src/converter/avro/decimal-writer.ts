import type { ByteWriter } from '../../change/byte-writer.ts';
import type { CellWriter } from './number-writer.ts';
import { writeInteger } from './long.ts';

const MINUS = 45;
const POINT = 46;
const ZERO = 48;

/** The most digits that Postgres has behind a numeric's point. */
export const MAX_SCALE = 16_383;
/** The most digits that Postgres has before a numeric's point. */
export const MAX_WHOLE_DIGITS = 131_072;

/**
 * numeric(p,s): the unscaled value as big-endian two's complement, length first. NaN, infinities and texts with another
 * number of digits behind the point cannot be carried.
 */
export function decimalWriter(precision: number, scale: number): CellWriter {
  const text = new DecimalText();
  return (bytes, start, end, out) => {
    if (!text.read(bytes, start, end)) return false;
    if (scale >= 0 ? text.scale !== scale : text.scale !== 0) return false;
    const zeros = scale < 0 && !text.isZero ? -scale : 0;
    if (zeros > 0 && !text.endsInZeros(zeros)) return false;
    if (text.digitCount - zeros > Math.max(precision, scale + 1)) return false;
    text.writeUnscaled(out, zeros);
    return true;
  };
}

/** numeric without precision: the number of digits behind the point, then the unscaled value. */
export function variableDecimalWriter(): CellWriter {
  const text = new DecimalText();
  return (bytes, start, end, out) => {
    if (!text.read(bytes, start, end)) return false;
    if (text.scale > MAX_SCALE || text.digitCount - text.scale > MAX_WHOLE_DIGITS) return false;
    out.varint(text.scale);
    text.writeUnscaled(out, 0);
    return true;
  };
}

/** A plain decimal text taken apart; one per writer, so that none is made per value. */
class DecimalText {
  #bytes: Buffer = Buffer.alloc(0);
  #first = 0;
  #end = 0;
  #isNegative = false;
  #value = 0;
  scale = 0;
  digitCount = 0;
  isZero = false;

  /** Says false for what Postgres would not print so: no digits, leading zeros, minus zero, letters. */
  read(bytes: Buffer, start: number, end: number): boolean {
    this.#bytes = bytes;
    this.#isNegative = bytes[start] === MINUS;
    this.#first = this.#isNegative ? start + 1 : start;
    this.#end = end;
    let point = -1;
    let value = 0;
    let isZero = true;
    for (let i = this.#first; i < end; i++) {
      const byte = bytes[i] as number;
      if (byte === POINT && point < 0) point = i;
      else if (byte < ZERO || byte > 57) return false;
      else {
        value = value * 10 + byte - ZERO;
        if (byte !== ZERO) isZero = false;
      }
    }
    const whole = (point < 0 ? end : point) - this.#first;
    this.scale = point < 0 ? 0 : end - point - 1;
    this.digitCount = whole + this.scale;
    this.#value = value;
    this.isZero = isZero;
    if (whole === 0 || (whole > 1 && bytes[this.#first] === ZERO)) return false;
    return (point < 0 || this.scale > 0) && !(isZero && this.#isNegative);
  }

  endsInZeros(count: number): boolean {
    if (this.digitCount <= count) return false;
    for (let i = this.#end - count; i < this.#end; i++) if (this.#bytes[i] !== ZERO) return false;
    return true;
  }

  /** Appends length and two's complement of the digits without the last `zeros` ones. */
  writeUnscaled(out: ByteWriter, zeros: number): void {
    if (this.digitCount <= 15) {
      const value = zeros > 0 ? Math.round(this.#value / 10 ** zeros) : this.#value;
      writeSmall(out, this.#isNegative ? -value : value);
      return;
    }
    if (this.digitCount > MAX_LIMB_DIGITS) {
      const text = this.#bytes.toString('latin1', this.#first, this.#end - zeros).replace('.', '');
      const value = BigInt(text);
      writeLarge(out, this.#isNegative ? -value : value);
    } else writeLimbs(out, readLimbs(this.#bytes, this.#first, this.#end - zeros), this.#isNegative);
  }
}

/** Numbers of more digits are rare, and BigInt is as fast for them. */
const MAX_LIMB_DIGITS = 100;
const LIMB = 2 ** 24;
/** The number that was read last, in limbs of 24 bits, the least one first: a limb times seven digits is exact. */
const limbs = new Int32Array(16);
const CHUNK_DIGITS = 7;

/** Reads the digits of `bytes[start..end)`, which may have a point, into `limbs`, and returns how many of them it takes. */
function readLimbs(bytes: Buffer, start: number, end: number): number {
  let count = 0;
  let [chunk, factor, size] = [0, 1, 0];
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte === POINT) continue;
    chunk = chunk * 10 + byte - ZERO;
    factor *= 10;
    if (++size < CHUNK_DIGITS) continue;
    count = multiplyLimbs(count, factor, chunk);
    [chunk, factor, size] = [0, 1, 0];
  }
  return multiplyLimbs(count, factor, chunk);
}

/** limbs * factor + addend; returns how many limbs there are now. */
function multiplyLimbs(count: number, factor: number, addend: number): number {
  let carry = addend;
  for (let i = 0; i < count; i++) {
    const product = (limbs[i] as number) * factor + carry;
    carry = Math.floor(product / LIMB);
    limbs[i] = product - carry * LIMB;
  }
  if (carry === 0) return count;
  limbs[count] = carry;
  return count + 1;
}

/** Appends length and two's complement of the number in the first `count` limbs, or of its negative, which is not zero. */
function writeLimbs(out: ByteWriter, count: number, isNegative: boolean): void {
  // Of a negative number, the bits of its complement say how many bytes it needs.
  for (let i = 0, borrow = isNegative; borrow; i++) {
    borrow = limbs[i] === 0;
    limbs[i] = ((limbs[i] as number) - 1) & (LIMB - 1);
  }
  let top = count - 1;
  while (top >= 0 && limbs[top] === 0) top--;
  const bits = top < 0 ? 0 : 24 * top + 32 - Math.clz32(limbs[top] as number);
  const width = (bits >> 3) + 1;
  limbs[count] = 0; // the sign may need a byte of its own
  writeInteger(out, width);
  out.ensure(width);
  const flip = isNegative ? 255 : 0;
  let at = out.length;
  for (let byte = width - 1; byte >= 0; byte--) {
    const limb = Math.floor(byte / 3);
    out.bytes[at++] = (((limbs[limb] as number) >>> (8 * (byte - 3 * limb))) & 255) ^ flip;
  }
  out.length = at;
}

function writeSmall(out: ByteWriter, value: number): void {
  let size = 1;
  for (let limit = 128; value >= limit || value < -limit; limit *= 256) size++;
  out.ensure(1 + size);
  out.bytes[out.length++] = size * 2;
  let rest = value;
  for (let i = out.length + size - 1; i >= out.length; i--) {
    out.bytes[i] = rest & 255;
    rest = Math.floor(rest / 256);
  }
  out.length += size;
}

function writeLarge(out: ByteWriter, value: bigint): void {
  // Of a negative number, the bits of its complement say how many bytes it needs.
  const magnitude = (value < 0n ? -value - 1n : value).toString(16);
  const size = Math.ceil(magnitude.length / 2);
  const needsSignByte = magnitude.length % 2 === 0 && Number.parseInt(magnitude[0] as string, 16) > 7;
  const width = needsSignByte ? size + 1 : size;
  const unsigned = value < 0n ? (1n << BigInt(8 * width)) + value : value;
  writeInteger(out, width);
  out.ensure(width);
  out.bytes.write(unsigned.toString(16).padStart(2 * width, '0'), out.length, 'hex');
  out.length += width;
}
