import type { ByteWriter } from '../../change/byte-writer.ts';
import { floatText } from './float-text.ts';
import { digits, Long, writeInteger, writeLong } from './long.ts';

/**
 * Appends the Avro form of the Postgres text `bytes[start..end)`. Says false when reading that form back would not give
 * this very text; what it appended is void then.
 */
export type CellWriter = (bytes: Buffer, start: number, end: number, out: ByteWriter) => boolean;

const MINUS = 45;
const POINT = 46;
const ZERO = 48;

/** `t` and `f`. */
export function writeBoolean(bytes: Buffer, start: number, end: number, out: ByteWriter): boolean {
  const letter = bytes[start];
  if (end - start !== 1 || (letter !== 0x74 && letter !== 0x66)) return false;
  out.byte(letter === 0x74 ? 1 : 0);
  return true;
}

/** Integers within bounds that are safe integers. */
export function integerWriter(min: number, max: number): CellWriter {
  return (bytes, start, end, out) => {
    const isNegative = bytes[start] === MINUS;
    const first = isNegative ? start + 1 : start;
    if (!isWhole(bytes, first, end, isNegative) || end - first > 15) return false;
    const magnitude = digits(bytes, first, end);
    const value = isNegative ? -magnitude : magnitude;
    if (!(value >= min && value <= max)) return false;
    writeInteger(out, value);
    return true;
  };
}

/** 64-bit integers. */
export function longWriter(): CellWriter {
  const long = new Long();
  return (bytes, start, end, out) => {
    const isNegative = bytes[start] === MINUS;
    const first = isNegative ? start + 1 : start;
    if (!isWhole(bytes, first, end, isNegative)) return false;
    if (end - first <= 15) {
      const magnitude = digits(bytes, first, end);
      if (Number.isNaN(magnitude)) return false;
      writeInteger(out, isNegative ? -magnitude : magnitude);
      return true;
    }
    if (end - first > 19 || !long.parse(bytes, first, end, isNegative)) return false;
    writeLong(out, long.high, long.low);
    return true;
  };
}

/** Whether the digits are written as Postgres writes them: at least one, no leading zero, no minus zero. */
function isWhole(bytes: Buffer, first: number, end: number, isNegative: boolean): boolean {
  return first < end && (bytes[first] !== ZERO || (end - first === 1 && !isNegative));
}

/** Numbers that Avro has as IEEE floats, 4 or 8 bytes; the text must be the one that `floatText` prints. */
export function floatWriter(isSingle: boolean): CellWriter {
  const exactDigits = isSingle ? 6 : 15;
  return (bytes, start, end, out) => {
    let value = shortDecimal(bytes, start, end, exactDigits);
    if (Number.isNaN(value)) {
      const text = bytes.toString('latin1', start, end);
      value = isSingle ? Math.fround(Number(text)) : Number(text);
      if (floatText(value, isSingle) !== text) return false;
    }
    out.ensure(8);
    out.length = isSingle ? out.bytes.writeFloatLE(value, out.length) : out.bytes.writeDoubleLE(value, out.length);
    return true;
  };
}

/** The double that is nearest to a decimal; beyond the largest one it is infinite. */
export function approximateDoubleWriter(bytes: Buffer, start: number, end: number, out: ByteWriter): boolean {
  const value = Number(bytes.toString('latin1', start, end));
  out.ensure(8);
  out.length = out.bytes.writeDoubleLE(value, out.length);
  return true;
}

const POWERS_OF_TEN: readonly number[] = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));

/**
 * The value of a plain decimal of so few digits that the float is its quotient, rounded once, and prints as this text again;
 * else NaN.
 */
function shortDecimal(bytes: Buffer, start: number, end: number, maxDigits: number): number {
  const isNegative = bytes[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  if (end - first > maxDigits + 1 || first >= end) return Number.NaN;
  let mantissa = 0;
  let point = -1;
  for (let i = first; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte === POINT && point < 0) point = i;
    else if (byte >= ZERO && byte <= 57) mantissa = mantissa * 10 + byte - ZERO;
    else return Number.NaN;
  }
  const whole = point < 0 ? end - first : point - first;
  const fraction = point < 0 ? 0 : end - point - 1;
  if (whole === 0 || whole + fraction > maxDigits) return Number.NaN;
  if (whole > 1 ? bytes[first] === ZERO : mantissa * 1000 < (POWERS_OF_TEN[fraction] as number)) return Number.NaN;
  if (point >= 0 && (fraction === 0 || bytes[end - 1] === ZERO)) return Number.NaN;
  const value = mantissa / (POWERS_OF_TEN[fraction] as number);
  return isNegative ? -value : value;
}
