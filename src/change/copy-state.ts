import type { Position } from './position.ts';

/** A key as its column texts, in the order of the index that the copy goes by. */
export type KeyText = readonly string[];

/** The rows with keys above `from` and up to `to`, it included; null: from the first, to the last. */
export interface KeyRange {
  readonly from: KeyText | null;
  readonly to: KeyText | null;
}

/** What is still to be copied of a table that was begun. */
export interface OpenTable {
  /** Its place in the list of tables. */
  readonly table: number;
  readonly ranges: readonly KeyRange[];
}

/** Tables without key that a snapshot copied which is newer than the stream's beginning. */
export interface NewerCopy {
  /** The snapshot shows exactly the transactions that commit below. */
  readonly point: Position;
  readonly relations: readonly number[];
}

/**
 * How far a first copy is that is not consistent yet: stands in its checkpoints, so that a killed copy is gone on with. Opaque to all
 * but the source; docs/format.md has its fields, docs/protocol.md its rules.
 */
export interface CopyState {
  /** Names the tables, their shapes and files: a copy of other ones begins anew. */
  readonly fingerprint: string;
  /** The stream has to reach this position before all rows are of one moment. */
  readonly point: Position;
  /** How many tables of the list were begun; the copy is whole when all are and none is open. */
  readonly begun: number;
  readonly tables: number;
  readonly open: readonly OpenTable[];
  readonly newer: readonly NewerCopy[];
  /** Rows of the finished ranges. */
  readonly rows: number;
}

/** True when nothing is left to be copied, though the stream may have to pass the copy's point. */
export function isWhole({ begun, tables, open }: CopyState): boolean {
  return begun === tables && open.length === 0;
}

/** How far a copy is, for people. */
export interface CopyProgress {
  readonly tables: number;
  tablesDone: number;
  rows: number;
  /** By the statistics of the source; the true number is known at the end. */
  readonly estimatedRows: number;
  percent: number;
  /** The table whose rows are counted, of a copy that is made while streaming; absent: all rows are. */
  readonly table?: string;
}
