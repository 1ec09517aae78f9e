import type { Position } from '../../change/position.ts';
import { formatLsn, isLsnPosition, positionToLsn } from '../../postgres/lsn.ts';

/** A position for a person: an LSN as Postgres prints it, of other positions the part that grows. */
export function positionText(position: Position): string {
  return isLsnPosition(position) ? formatLsn(positionToLsn(position)) : `#${leading(position)}`;
}

/** Positions that are no LSNs begin with 16 hexadecimal digits that grow. */
function leading(position: Position): number {
  return Number.parseInt(position.slice(0, 16), 16);
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
