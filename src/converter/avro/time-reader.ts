import type { Batch } from '../../change/batch.ts';
import type { AvroInput } from './avro-input.ts';
import { CalendarDate } from './calendar.ts';
import { type CellReader, putDigits, putText } from './number-reader.ts';
import { readText } from './text-reader.ts';
import { INFINITY, MINUS_INFINITY } from './time-writer.ts';

const SPACE = 32;
const POINT = 46;
const COLON = 58;
const DASH = 45;
const ZERO = 48;
const DAY_US = 86_400_000_000;
/** What `putDate` and `putTime` may append at most. */
const TIMESTAMP_BYTES = 40;

const UTC = Buffer.from('+00');

const date: CalendarDate = new CalendarDate();

/** Days since 1970 -> `2024-05-06`. */
export function readDate(input: AvroInput, batch: Batch): void {
  batch.reserve(TIMESTAMP_BYTES);
  date.setDays(input.int());
  putDate(batch);
  putEra(batch);
}

/** Milliseconds (`unitUs` 1000) or microseconds (1) since midnight -> `07:08:09.123`. */
export function timeReader(unitUs: number): CellReader {
  return (input, batch) => {
    input.long();
    const time = input.number() * unitUs;
    if (!(time >= 0 && time <= DAY_US)) throw input.error('holds a time that no day has');
    batch.reserve(TIMESTAMP_BYTES);
    putTime(batch, time);
  };
}

/** Milli- or microseconds since 1970 -> `2024-05-06 07:08:09.123`, and Debezium's numbers for the infinities. */
export function timestampReader(unitUs: number): CellReader {
  const unitsPerDay = DAY_US / unitUs;
  return (input, batch) => {
    input.long();
    const { high, low } = input;
    if (high >= 0x10_0000 || high < -0x10_0000) {
      putFar(input, batch, BigInt(high) * 0x1_0000_0000n + BigInt(low), BigInt(unitsPerDay), unitUs);
      return;
    }
    const value = input.number();
    const days = Math.floor(value / unitsPerDay);
    putTimestamp(batch, days, (value - days * unitsPerDay) * unitUs);
  };
}

/** `2024-05-06T07:08:09.123000Z` -> `2024-05-06 07:08:09.123+00`; what looks otherwise is passed on as it is. */
export function readZonedTimestamp(input: AvroInput, batch: Batch): void {
  const start = batch.byteLength;
  readText(input, batch);
  const { bytes } = batch;
  let end = batch.byteLength - 1;
  if (end - start < 19 || bytes[end] !== 0x5a || bytes[start + 10] !== 0x54) return;
  bytes[start + 10] = SPACE;
  if (bytes[start + 19] === POINT) {
    while (bytes[end - 1] === ZERO) end--;
    if (bytes[end - 1] === POINT) end--;
  }
  batch.byteLength = end;
  batch.reserve(UTC.length);
  for (let i = 0; i < UTC.length; i++) batch.bytes[batch.byteLength++] = UTC[i] as number;
}

/** Beyond the year 2255. */
function putFar(input: AvroInput, batch: Batch, value: bigint, unitsPerDay: bigint, unitUs: number): void {
  if (value === INFINITY) putText(batch, 'infinity');
  else if (value === MINUS_INFINITY) putText(batch, '-infinity');
  else {
    const rest = ((value % unitsPerDay) + unitsPerDay) % unitsPerDay;
    const days = Number((value - rest) / unitsPerDay);
    if (!Number.isSafeInteger(days) || Math.abs(days) > 0x7fff_ffff)
      throw input.error('holds a timestamp beyond Postgres');
    putTimestamp(batch, days, Number(rest) * unitUs);
  }
}

function putTimestamp(batch: Batch, days: number, timeUs: number): void {
  batch.reserve(TIMESTAMP_BYTES);
  date.setDays(days);
  putDate(batch);
  batch.bytes[batch.byteLength++] = SPACE;
  putTime(batch, timeUs);
  putEra(batch);
}

function putDate(batch: Batch): void {
  const { bytes } = batch;
  putDigits(batch, date.year > 0 ? date.year : 1 - date.year, 4);
  bytes[batch.byteLength++] = DASH;
  putDigits(batch, date.month, 2);
  bytes[batch.byteLength++] = DASH;
  putDigits(batch, date.day, 2);
}

/** Postgres puts the era last, behind the time. */
function putEra(batch: Batch): void {
  if (date.year <= 0) putText(batch, ' BC');
}

function putTime(batch: Batch, timeUs: number): void {
  const { bytes } = batch;
  const seconds = Math.floor(timeUs / 1_000_000);
  const fraction = timeUs - seconds * 1_000_000;
  const minutes = (seconds / 60) | 0;
  putDigits(batch, (minutes / 60) | 0, 2);
  bytes[batch.byteLength++] = COLON;
  putDigits(batch, minutes % 60, 2);
  bytes[batch.byteLength++] = COLON;
  putDigits(batch, seconds % 60, 2);
  if (fraction === 0) return;
  bytes[batch.byteLength++] = POINT;
  putDigits(batch, fraction, 6);
  while (bytes[batch.byteLength - 1] === ZERO) batch.byteLength--;
}
