import type { ByteWriter } from '../../change/byte-writer.ts';
import { daysInMonth, daysOf } from './calendar.ts';
import { digits, writeInteger, writeLong } from './long.ts';
import type { CellWriter } from './number-writer.ts';

const SPACE = 32;
const DASH = 45;
const POINT = 46;
const COLON = 58;
const ZERO = 48;
const DATE_BYTES = 10;
const DAY_US = 86_400_000_000;
/** A date is an int; Postgres's own end sooner, and who reads takes no others. */
const MAX_DAYS = 0x7fff_ffff;

/**
 * What Debezium writes for the timestamps infinity and -infinity: the same number, whether in milliseconds or microseconds.
 * @see https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-temporal-types
 */
export const INFINITY = 9_223_372_036_825_200_000n;
export const MINUS_INFINITY = -9_223_372_036_832_400_000n;

/** `2024-05-06`, also with ` BC`: days since 1970. */
export function writeDate(bytes: Buffer, start: number, end: number, out: ByteWriter): boolean {
  const isBc = endsInBc(bytes, start, end);
  const days = parseDate(bytes, start, isBc ? end - 3 : end, isBc);
  if (Number.isNaN(days)) return false;
  writeInteger(out, days);
  return true;
}

/** `07:08:09.123`: milliseconds (`unitUs` 1000) or microseconds (1) since midnight; 24:00:00 is one of them. */
export function timeWriter(unitUs: number): CellWriter {
  return (bytes, start, end, out) => {
    const time = parseTime(bytes, start, end);
    if (!(time <= DAY_US) || time % unitUs !== 0) return false;
    writeInteger(out, time / unitUs);
    return true;
  };
}

/** `2024-05-06 07:08:09.123`, also with ` BC`, and infinities: milli- or microseconds since 1970. */
export function timestampWriter(unitUs: number): CellWriter {
  return (bytes, start, end, out) => {
    const isBc = endsInBc(bytes, start, end);
    const last = isBc ? end - 3 : end;
    let space = start + 10;
    while (space < last && bytes[space] !== SPACE) space++;
    if (space >= last) return writeInfinity(bytes, start, end, out);
    const days = parseDate(bytes, start, space, isBc);
    const time = parseTime(bytes, space + 1, last);
    if (Number.isNaN(days) || !(time < DAY_US) || time % unitUs !== 0) return false;
    const value = days * (DAY_US / unitUs) + time / unitUs;
    if (Number.isSafeInteger(value)) {
      writeInteger(out, value);
      return true;
    }
    return writeFar(out, BigInt(days) * BigInt(DAY_US / unitUs) + BigInt(time / unitUs));
  };
}

/** `2024-05-06 07:08:09.123+00` -> `2024-05-06T07:08:09.123000Z`, with the column's number of digits, and infinities as they are. */
export function zonedTimestampWriter(scale: number): CellWriter {
  const width = 20 + (scale > 0 ? scale + 1 : 0);
  const isDate = dateMemory();
  return (bytes, start, end, out) => {
    if (!isCommonZoned(bytes, start, end, scale) || !isDate(bytes, start)) {
      if (!isInfinity(bytes, start, end) && !isMinusInfinity(bytes, start, end)) return false;
      out.byte((end - start) * 2);
      out.copy(bytes, start, end);
      return true;
    }
    out.ensure(width + 2);
    const target = out.bytes;
    const from = out.length + 1;
    const stop = from + width - 1;
    target[from - 1] = width * 2;
    const fractionEnd = end - 3;
    out.length = from;
    out.copy(bytes, start, fractionEnd);
    let at = out.length;
    target[from + 10] = 0x54; // T
    if (scale > 0 && fractionEnd - start === 19) target[at++] = POINT;
    while (at < stop) target[at++] = ZERO;
    target[at++] = 0x5a; // Z
    out.length = at;
    return true;
  };
}

/** A time of day in UTC at the right place, with a fraction that is not longer than the column's and does not end in 0. */
function isCommonZoned(bytes: Buffer, start: number, end: number, scale: number): boolean {
  const size = end - start;
  if (size < 22 || size > 23 + scale) return false;
  if (bytes[end - 3] !== 43 || bytes[end - 2] !== ZERO || bytes[end - 1] !== ZERO) return false;
  return bytes[start + 10] === SPACE && parseTime(bytes, start + 11, end - 3) < DAY_US;
}

/** Says whether ten bytes are a date of a year of four digits; that the last one was, it remembers: rows of one time are of one day. */
function dateMemory(): (bytes: Buffer, start: number) => boolean {
  const last = Buffer.alloc(DATE_BYTES);
  return (bytes, start) => {
    let same = 0;
    while (same < DATE_BYTES && bytes[start + same] === last[same]) same++;
    if (same === DATE_BYTES) return true;
    if (Number.isNaN(parseDate(bytes, start, start + DATE_BYTES, false))) return false;
    for (let i = 0; i < DATE_BYTES; i++) last[i] = bytes[start + i] as number;
    return true;
  };
}

/** Days since 1970 of `Y-MM-DD`, the year of four digits or more without leading zeros; else NaN. */
function parseDate(bytes: Buffer, start: number, end: number, isBc: boolean): number {
  const yearEnd = end - 6;
  const yearSize = yearEnd - start;
  if (yearSize < 4 || yearSize > 7 || bytes[yearEnd] !== DASH || bytes[end - 3] !== DASH) return Number.NaN;
  if (yearSize > 4 && bytes[start] === ZERO) return Number.NaN;
  const year = digits(bytes, start, yearEnd);
  const month = digits(bytes, yearEnd + 1, end - 3);
  const day = digits(bytes, end - 2, end);
  const actualYear = isBc ? 1 - year : year;
  if (!(year >= 1 && month >= 1 && day >= 1 && day <= daysInMonth(actualYear, month))) return Number.NaN;
  const days = daysOf(actualYear, month, day);
  return Math.abs(days) <= MAX_DAYS ? days : Number.NaN;
}

/** Microseconds since midnight of `HH:MM:SS[.f]` where the fraction does not end in 0; else NaN. */
function parseTime(bytes: Buffer, start: number, end: number): number {
  const size = end - start;
  if (size < 8 || bytes[start + 2] !== COLON || bytes[start + 5] !== COLON) return Number.NaN;
  const hours = digits(bytes, start, start + 2);
  const minutes = digits(bytes, start + 3, start + 5);
  const seconds = digits(bytes, start + 6, start + 8);
  if (!(hours <= 24 && minutes < 60 && seconds < 60)) return Number.NaN;
  const whole = (hours * 3600 + minutes * 60 + seconds) * 1_000_000;
  if (size === 8) return whole;
  const fractionSize = size - 9;
  if (bytes[start + 8] !== POINT || fractionSize < 1 || fractionSize > 6 || bytes[end - 1] === ZERO) return Number.NaN;
  return whole + digits(bytes, start + 9, end) * 10 ** (6 - fractionSize);
}

function endsInBc(bytes: Buffer, start: number, end: number): boolean {
  return end - start > 3 && bytes[end - 1] === 0x43 && bytes[end - 2] === 0x42 && bytes[end - 3] === SPACE;
}

const INFINITY_TEXT = Buffer.from('infinity');

function isInfinity(bytes: Buffer, start: number, end: number): boolean {
  if (end - start !== INFINITY_TEXT.length || bytes[start] !== INFINITY_TEXT[0]) return false;
  return INFINITY_TEXT.compare(bytes, start, end) === 0;
}

function isMinusInfinity(bytes: Buffer, start: number, end: number): boolean {
  return bytes[start] === DASH && isInfinity(bytes, start + 1, end);
}

function writeInfinity(bytes: Buffer, start: number, end: number, out: ByteWriter): boolean {
  if (isInfinity(bytes, start, end)) writeBig(out, INFINITY);
  else if (isMinusInfinity(bytes, start, end)) writeBig(out, MINUS_INFINITY);
  else return false;
  return true;
}

/** Beyond the year 2255: within 64 bits, and not the numbers that stand for infinity. */
function writeFar(out: ByteWriter, value: bigint): boolean {
  if (value === INFINITY || value === MINUS_INFINITY || BigInt.asIntN(64, value) !== value) return false;
  writeBig(out, value);
  return true;
}

function writeBig(out: ByteWriter, value: bigint): void {
  writeLong(out, Number(value >> 32n), Number(value & 0xffff_ffffn));
}
