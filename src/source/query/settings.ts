import type { ConnectionSettings } from '../../postgres/connection-settings.ts';
import type { CaptureLists } from '../capture/filter.ts';

/**
 * How rows are found. On tables every mode but `bulk` finds whatever has changed, by the ids of the transactions that wrote it; the columns of the
 * others are what views and queries are read by.
 */
export type QueryMode = 'bulk' | 'xid' | 'incrementing' | 'timestamp' | 'timestamp+incrementing';

/** What the query source is told. */
export interface QuerySourceSettings extends CaptureLists {
  readonly connection: ConnectionSettings;
  /** The connector's name: one process at a time holds it (advisory lock). */
  readonly name: string;
  readonly mode: QueryMode;
  readonly incrementingColumn: string | undefined;
  /** The first one that is not NULL counts. */
  readonly timestampColumns: readonly string[];
  /** Rows of views and queries whose timestamp is younger than this are left for a later poll. */
  readonly timestampDelayMs: number;
  readonly pollIntervalMs: number;
  /** A statement whose rows are captured instead of tables. */
  readonly query: CustomQuery | undefined;
  /** Of views: key columns by `schema.view`. */
  readonly keyColumns: readonly KeyColumns[];
  /** `keys`: each poll compares the keys that are there with those that were sent. */
  readonly deletes: 'ignore' | 'keys';
  /** Keys that are remembered to tell which ones are gone; a table with more of them is copied again when some are. */
  readonly keyMemoryBytes: number;
  /** A batch is cut at this many bytes; a poll may have many. */
  readonly maxBatchBytes: number;
}

/** A statement, and the table that its rows are said to be of. */
export interface CustomQuery {
  readonly sql: string;
  readonly schema: string;
  readonly name: string;
  readonly key: readonly string[];
}

/** Whose rows are told apart by which columns. */
export interface KeyColumns {
  /** Matched against `schema.view`. */
  readonly tables: string;
  readonly columns: readonly string[];
}
