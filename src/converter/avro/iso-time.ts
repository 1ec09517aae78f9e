import { CalendarDate, daysInMonth, daysOf } from './calendar.ts';
import type { Conversion } from './converting.ts';

const DATE = /^(\d{4,7})-(\d\d)-(\d\d)( BC)?$/;
const TIME = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/;
const INFINITE = /^-?infinity$/;

/** `2024-05-06` and `2024-05-06Z`; infinities are the words. */
export const ISO_DATE: Conversion<string> = {
  to: (text) => (INFINITE.test(text) ? text : isCommonDate(text) ? `${text}Z` : undefined),
  from: (iso) => iso.replace(/(?<=\d)Z$/, ''),
};

/** `07:08:09.123` and `07:08:09.123Z`. */
export const ISO_TIME: Conversion<string> = {
  to: (text) => (TIME.test(text) ? `${text}Z` : undefined),
  from: (iso) => iso.replace(/(?<=\d)Z$/, ''),
};

/** `2024-05-06 07:08:09.123` and `2024-05-06T07:08:09.123Z`; infinities are the words. */
export const ISO_TIMESTAMP: Conversion<string> = {
  to: (text) => {
    if (INFINITE.test(text)) return text;
    const [date = '', time = ''] = text.split(' ');
    return isCommonDate(date) && TIME.test(time) && `${date} ${time}` === text ? `${date}T${time}Z` : undefined;
  },
  from: (iso) => (/^\d{4}-\d\d-\d\dT.*\dZ$/.test(iso) ? iso.slice(0, -1).replace('T', ' ') : iso),
};

/** `04:05:06-08` and `04:05:06-08:00`: an offset always has its minutes, and no offset is `Z`. */
export const ZONED_TIME: Conversion<string> = {
  to: (text) => {
    if (!/^\d\d:\d\d:\d\d(?:\.\d{1,6})?[-+]\d\d(?::\d\d){0,2}$/.test(text)) return undefined;
    return text.endsWith('+00') ? `${text.slice(0, -3)}Z` : text.replace(/[-+]\d\d$/, '$&:00');
  },
  from: (iso) => iso.replace(/(?<=\d)Z$/, '+00').replace(/([-+]\d\d):00$/, '$1'),
};

const MAX_LONG = 2n ** 63n - 1n;
const DAY_NS = 86_400_000_000_000n;

/** A timestamp and nanoseconds since 1970; the infinities are the largest and the smallest long. */
export const NANO_TIMESTAMP: Conversion<bigint> = {
  to: (text) => {
    if (text === 'infinity') return MAX_LONG;
    if (text === '-infinity') return -MAX_LONG - 1n;
    const micros = timestampMicros(text);
    const nanos = micros === undefined ? undefined : micros * 1000n;
    return nanos === undefined || nanos >= MAX_LONG || nanos < -MAX_LONG ? undefined : nanos;
  },
  from: (nanos) => {
    if (nanos === MAX_LONG) return 'infinity';
    if (nanos === -MAX_LONG - 1n) return '-infinity';
    const rest = ((nanos % DAY_NS) + DAY_NS) % DAY_NS;
    const date = new CalendarDate();
    date.setDays(Number((nanos - rest) / DAY_NS));
    const [year, month, day] = [date.year > 0 ? date.year : 1 - date.year, date.month, date.day];
    return `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)} ${timeText(rest / 1000n)}${date.year > 0 ? '' : ' BC'}`;
  },
};

/** A time and nanoseconds since midnight. */
export const NANO_TIME: Conversion<bigint> = {
  to: (text) => {
    const micros = timeMicros(text);
    return micros === undefined ? undefined : micros * 1000n;
  },
  from: (nanos) => timeText(nanos / 1000n),
};

/** Milliseconds since 1970, the rest cut off towards the past; undefined for infinities. Nothing is read back from them. */
export const FLOORED_TIMESTAMP: Conversion<bigint> = {
  to: (text) => {
    const micros = timestampMicros(text);
    return micros === undefined ? undefined : (micros - (((micros % 1000n) + 1000n) % 1000n)) / 1000n;
  },
  from: String,
};

/** Milliseconds since midnight, the rest cut off. Nothing is read back from them. */
export const FLOORED_TIME: Conversion<bigint> = {
  to: (text) => {
    const micros = timeMicros(text);
    return micros === undefined ? undefined : micros / 1000n;
  },
  from: String,
};

function isCommonDate(text: string): boolean {
  const parts = DATE.exec(text);
  return parts?.[1]?.length === 4 && parts[4] === undefined;
}

function timestampMicros(text: string): bigint | undefined {
  const era = text.endsWith(' BC') ? ' BC' : '';
  const [date = '', time = ''] = text.split(' ');
  const parts = DATE.exec(date + era);
  const micros = timeMicros(time);
  if (parts === null || micros === undefined) return undefined;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const actual = era === '' ? year : 1 - year;
  if (day < 1 || day > daysInMonth(actual, month)) return undefined;
  return BigInt(daysOf(actual, month, day)) * (DAY_NS / 1000n) + micros;
}

/** Undefined for what no day has: whoever reads the number refuses it. */
function timeMicros(text: string): bigint | undefined {
  const parts = TIME.exec(text);
  if (parts === null) return undefined;
  const seconds = Number(parts[1]) * 3600 + Number(parts[2]) * 60 + Number(parts[3]);
  const micros = BigInt(seconds) * 1_000_000n + BigInt((parts[4] ?? '').padEnd(6, '0'));
  return micros <= DAY_NS / 1000n ? micros : undefined;
}

function timeText(micros: bigint): string {
  const seconds = Number(micros / 1_000_000n);
  const fraction = `${micros % 1_000_000n}`.padStart(6, '0').replace(/0+$/, '');
  const whole = [seconds / 3600, (seconds / 60) % 60, seconds % 60]
    .map((part) => padded(Math.floor(part), 2))
    .join(':');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

function padded(value: number, width: number): string {
  return `${value}`.padStart(width, '0');
}
