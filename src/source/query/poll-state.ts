import type { Position } from '../../change/position.ts';

/** What stands in a position: where a poll resumes that nothing else remembers. */
export interface PollState {
  /** Timeline of the server that was polled. */
  readonly timeline: number;
  /** Transactions below were over when the poll looked: nothing of them can appear any more. */
  readonly xmin: number;
  /** No transaction at or above it had begun to write. */
  readonly xmax: number;
  /** By relation id. */
  readonly tables: Readonly<Record<string, TableState>>;
}

/** What was sent of one table. */
export interface TableState {
  /** Names the columns and files that its rows were read by. */
  readonly shape: string;
  /** The highest column number then: later columns do not change what was sent. */
  readonly columns: number;
  /** Number and digest of the keys that were there. */
  readonly keys?: KeyDigest;
  /** How far a view or query was read. */
  readonly cursor?: Cursor;
}

/** Equal for equal sets of keys, whatever their order. */
export interface KeyDigest {
  readonly count: number;
  readonly digest: string;
}

/** Values as the server prints them. */
export interface Cursor {
  readonly timestamp?: string;
  readonly incrementing?: string;
}

/** True for positions that polls have made. */
export function isPollPosition(position: Position): boolean {
  return /^[0-9A-F]{16}:\{/.test(position);
}

/** A place between two polls: the number of the last one, and its state. */
export interface PollPlace {
  readonly number: number;
  /** Undefined: a position that no poll has made. Everything is read again. */
  readonly state: PollState | undefined;
}

const DIGITS = 16;

/** Later polls have greater positions. */
export function toPosition(number: number, state: PollState): Position {
  return `${number.toString(16).toUpperCase().padStart(DIGITS, '0')}:${JSON.stringify(state)}`;
}

/**
 * Reads a position. One of a source of another kind, whose connector was told to poll instead, begins with an LSN: a number that polls go on from, without
 * a state. Throws a plain Error for anything else.
 */
export function fromPosition(position: Position): PollPlace {
  const digits = position.slice(0, DIGITS);
  if (!/^[0-9A-F]{16}$/.test(digits)) throw new Error(`Not a position of a query source: ${position}`);
  const number = Number.parseInt(digits, 16);
  const rest = position.slice(DIGITS + 1);
  return { number, state: rest.startsWith('{') ? (JSON.parse(rest) as PollState) : undefined };
}
