import type { Position } from '../../change/position.ts';
import { formatLsn, positionToLsn } from '../../postgres/lsn.ts';

/** A position of a WAL source as Postgres prints it. */
export function lsnText(position: Position): string {
  return formatLsn(positionToLsn(position));
}

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

/** Bytes for a person. */
export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** A time in milliseconds since 1970 for a person. */
export function timeText(at: number): string {
  return new Date(at).toISOString();
}
