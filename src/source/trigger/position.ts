import type { Position } from '../../change/position.ts';
import { lsnToPosition } from '../../postgres/lsn.ts';

/** What a trigger source has read up to: everything that a snapshot shows. */
export interface ReadPosition {
  /** The end of WAL just before the snapshot was taken, in bytes; keeps positions of one server in order, whatever source made them. */
  readonly lsn: number;
  /** Tells snapshots apart that were taken at the same end of WAL. */
  readonly count: number;
  /** As `pg_current_snapshot()` prints it. */
  readonly snapshot: string;
}

const POSITION = /^([0-9A-F]{16})\.([0-9A-F]{8})\.(\d+:\d+:[\d,]*)$/;

/** The position as a string that grows with it. */
export function formatPosition({ lsn, count, snapshot }: ReadPosition): Position {
  return `${lsnToPosition(lsn)}.${count.toString(16).toUpperCase().padStart(8, '0')}.${snapshot}`;
}

/** Undefined when another kind of source made the position. */
export function parsePosition(position: Position): ReadPosition | undefined {
  const [, lsn, count, snapshot] = POSITION.exec(position) ?? [];
  if (lsn === undefined || count === undefined || snapshot === undefined) return undefined;
  return { lsn: Number.parseInt(lsn, 16), count: Number.parseInt(count, 16), snapshot };
}

/** The end of WAL that a position begins with, whatever source made it. */
export function leadingLsn(position: Position): number {
  return Number.parseInt(position.slice(0, 16), 16);
}

/** The position of a snapshot that was taken after `before`, when WAL had got to `lsn`. */
export function nextPosition(before: Position, lsn: number, snapshot: string): Position {
  const last = parsePosition(before);
  const floor = leadingLsn(before);
  if (lsn > floor) return formatPosition({ lsn, count: 0, snapshot });
  return formatPosition({ lsn: floor, count: (last?.count ?? 0) + 1, snapshot });
}
