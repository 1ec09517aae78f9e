import type { Position } from '../change/position.ts';

const HALF = 2 ** 32;

/** Reads an LSN as Postgres prints it (`16/B374D848`). LSNs are numbers: 2^53 bytes of WAL are eight petabytes. */
export function parseLsn(text: string): number {
  const match = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text);
  if (!match) throw new Error(`Not an LSN: ${text}`);
  const lsn = Number.parseInt(match[1] as string, 16) * HALF + Number.parseInt(match[2] as string, 16);
  if (!Number.isSafeInteger(lsn)) throw new Error(`An LSN beyond 2^53: ${text}`);
  return lsn;
}

/** The LSN as Postgres prints it. */
export function formatLsn(lsn: number): string {
  return `${Math.floor(lsn / HALF)
    .toString(16)
    .toUpperCase()}/${(lsn % HALF).toString(16).toUpperCase()}`;
}

/** The LSN as a position: 16 hexadecimal digits, so that positions compare as strings. */
export function lsnToPosition(lsn: number): Position {
  return lsn.toString(16).toUpperCase().padStart(16, '0');
}

/** True for positions of WAL sources. */
export function isLsnPosition(position: Position): boolean {
  return /^[0-9A-F]{16}$/.test(position);
}

/** The LSN that a position of a WAL source stands for. */
export function positionToLsn(position: Position): number {
  if (!isLsnPosition(position)) throw new Error(`Not a position of a WAL source: ${position}`);
  return Number.parseInt(position, 16);
}
