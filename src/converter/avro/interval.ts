import type { Conversion } from './converting.ts';

/** An interval's parts; the sign of the time is its own, so that -00:00:06 is one. */
interface Interval {
  readonly years: bigint;
  readonly months: bigint;
  readonly days: bigint;
  readonly isNegative: boolean;
  readonly hours: bigint;
  readonly minutes: bigint;
  readonly micros: bigint;
}

const TEXT =
  /^(?:(?<years>[-+]?\d+) years?)? ?(?:(?<months>[-+]?\d+) mons?)? ?(?:(?<days>[-+]?\d+) days?)? ?(?:(?<sign>[-+]?)(?<hours>\d+):(?<minutes>\d\d):(?<seconds>\d\d(?:\.\d{1,6})?))?$/;
const ISO =
  /^P(?<years>-?\d+)Y(?<months>-?\d+)M(?<days>-?\d+)DT(?<hours>-?\d+)H(?<minutes>-?\d+)M(?<seconds>-?\d+(?:\.\d{1,6})?)S$/;

const MINUTE_US = 60_000_000n;
const HOUR_US = 60n * MINUTE_US;
const DAY_US = 24n * HOUR_US;
/** A twelfth of 365.25 days. */
const MONTH_US = 2_629_800_000_000n;

/**
 * Postgres's text and Debezium's `io.debezium.time.Interval`, `P1Y2M3DT4H5M6.78S` with all parts; infinities are the words.
 * @see https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-basic-types
 */
export const ISO_INTERVAL: Conversion<string> = {
  to: (text) => {
    if (text === 'infinity' || text === '-infinity') return text;
    const parsed = parseText(text);
    return parsed && isoOf(parsed);
  },
  from: (iso) => {
    const parts = ISO.exec(iso)?.groups;
    if (parts === undefined) return iso;
    const [hours, minutes, seconds] = [parts.hours, parts.minutes, parts.seconds] as [string, string, string];
    return textOf({
      years: BigInt(parts.years as string),
      months: BigInt(parts.months as string),
      days: BigInt(parts.days as string),
      isNegative: [hours, minutes, seconds].some((part) => part.startsWith('-')),
      hours: BigInt(hours.replace('-', '')),
      minutes: BigInt(minutes.replace('-', '')),
      micros: microsOf(seconds.replace('-', '')),
    });
  },
};

/** Postgres's text and Debezium's `io.debezium.time.MicroDuration`: microseconds, a month being a twelfth of 365.25 days. Only a time of a day comes back. */
export const MICRO_DURATION: Conversion<bigint> = {
  to: (text) => {
    const parsed = parseText(text);
    if (parsed === undefined) return undefined;
    const { years, months, days, isNegative, hours, minutes, micros } = parsed;
    const time = hours * HOUR_US + minutes * MINUTE_US + micros;
    return (years * 12n + months) * MONTH_US + days * DAY_US + (isNegative ? -time : time);
  },
  from: (value) => {
    const isNegative = value < 0n;
    const time = isNegative ? -value : value;
    const [hours, minutes, micros] = [time / HOUR_US, (time % HOUR_US) / MINUTE_US, time % MINUTE_US];
    return textOf({ years: 0n, months: 0n, days: 0n, isNegative, hours, minutes, micros });
  },
};

function parseText(text: string): Interval | undefined {
  const parts = TEXT.exec(text)?.groups;
  if (parts === undefined || text === '') return undefined;
  return {
    years: BigInt(parts.years ?? 0),
    months: BigInt(parts.months ?? 0),
    days: BigInt(parts.days ?? 0),
    isNegative: parts.sign === '-',
    hours: BigInt(parts.hours ?? 0),
    minutes: BigInt(parts.minutes ?? 0),
    micros: microsOf(parts.seconds ?? '0'),
  };
}

function isoOf({ years, months, days, isNegative, hours, minutes, micros }: Interval): string {
  const signed = (part: bigint, shown: string = `${part}`): string => `${isNegative && part > 0n ? '-' : ''}${shown}`;
  return `P${years}Y${months}M${days}DT${signed(hours)}H${signed(minutes)}M${signed(micros, secondsOf(micros))}S`;
}

/** As Postgres prints it under IntervalStyle postgres: a part behind a negative one has its sign. */
function textOf({ years, months, days, isNegative, hours, minutes, micros }: Interval): string {
  const words: string[] = [];
  let isAfterNegative = false;
  for (const [part, unit] of [
    [years, 'year'],
    [months, 'mon'],
    [days, 'day'],
  ] as const) {
    if (part === 0n) continue;
    words.push(`${isAfterNegative && part > 0n ? '+' : ''}${part} ${unit}${part === 1n ? '' : 's'}`);
    isAfterNegative = part < 0n;
  }
  if (words.length === 0 || hours !== 0n || minutes !== 0n || micros !== 0n) {
    const sign = isNegative ? '-' : isAfterNegative ? '+' : '';
    const [whole = '', fraction] = secondsOf(micros).split('.');
    const seconds = `${whole.padStart(2, '0')}${fraction === undefined ? '' : `.${fraction}`}`;
    words.push(`${sign}${`${hours}`.padStart(2, '0')}:${`${minutes}`.padStart(2, '0')}:${seconds}`);
  }
  return words.join(' ');
}

function secondsOf(micros: bigint): string {
  const [whole, fraction] = [micros / 1_000_000n, micros % 1_000_000n];
  return fraction === 0n ? `${whole}` : `${whole}.${`${fraction}`.padStart(6, '0').replace(/0+$/, '')}`;
}

function microsOf(seconds: string): bigint {
  const [whole = '0', fraction = ''] = seconds.split('.');
  return BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
}
