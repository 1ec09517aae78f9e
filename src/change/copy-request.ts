import type { KeyText } from './copy-state.ts';
import type { Position } from './position.ts';

/** A table, or a part of one, that is to be copied (again) while the stream goes on. */
export interface CopyTarget {
  readonly schema: string;
  readonly name: string;
  /** SQL condition; only rows that meet it are copied, and a replica keeps its others. Absent: the whole table, and a replica keeps nothing. */
  readonly condition?: string;
}

/** What an operator, or a program, asks of a source that streams; `id` is the asker's own name for it. */
export type CopySignal =
  /** Tables are copied in chunks while the stream goes on; with `isBlocking` each at one moment, for which the stream waits. */
  | {
      readonly kind: 'execute';
      readonly id: string;
      readonly tables: readonly CopyTarget[];
      readonly isBlocking: boolean;
    }
  /** Gives up what is asked for of these tables (`schema.table`); of all of them when there are none. */
  | { readonly kind: 'stop'; readonly id: string; readonly tables: readonly string[] }
  | { readonly kind: 'pause'; readonly id: string }
  | { readonly kind: 'resume'; readonly id: string };

/** How far the copy of one table is that was begun; until it ends, a replica has only a part of the table's rows. */
export interface BegunCopy {
  readonly relationId: number;
  /** Names the table's shape and files, as rows were read; empty: none was read yet. A copy of another shape begins anew. */
  readonly fingerprint: string;
  /** The key of the last row that is stored; null: none. */
  readonly after: KeyText | null;
  /** Every row is stored; the stream may have to reach `point`. */
  readonly isRead: boolean;
  /** Rows were read again as of here, after their changes had lacked values: the stream has to come here before the copy ends. */
  readonly point: Position;
  readonly rows: number;
  /** It was given up: a replica has a part of the table until it is copied again. */
  readonly isStopped?: true;
}

/** A copy that was asked for, or that a table needs which was not captured before. */
export interface RequestedCopy extends CopyTarget {
  readonly id: string;
  readonly isBlocking: boolean;
  readonly begun?: BegunCopy;
  /** Nobody has asked: the table was not captured before, or not whole. */
  readonly isNeeded?: true;
}

/** All copies that are asked for, in their order: stands in checkpoints, so that a restart goes on with them. */
export interface CopyRequests {
  readonly isPaused: boolean;
  readonly tables: readonly RequestedCopy[];
  /** Relations that were needed, and copied, under the present claim, which does not name them. */
  readonly covered?: readonly number[];
}

export const NO_REQUESTS: CopyRequests = { isPaused: false, tables: [] };

/** Nothing that a checkpoint would have to say. */
export function isWithoutRequests({ isPaused, tables, covered = [] }: CopyRequests): boolean {
  return !isPaused && tables.length === 0 && covered.length === 0;
}

/** Tables of which a replica may lack rows, each once. A copy with a condition takes none away. */
export function incompleteTables({ tables }: CopyRequests): readonly CopyTarget[] {
  const partial = tables.filter(({ begun, condition }) => begun !== undefined && condition === undefined);
  return [...new Map(partial.map((table) => [`${table.schema}.${table.name}`, table])).values()];
}

/** Relations that are being copied, so that nobody knows which rows a change will find. */
export function partialTables({ tables }: CopyRequests): ReadonlySet<number> {
  return new Set(tables.flatMap(({ begun }) => (begun === undefined ? [] : [begun.relationId])));
}
