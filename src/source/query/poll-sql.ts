import type { TableSchema } from '../../change/table-schema.ts';
import { qualified, quoteIdentifier, quoteLiteral } from '../../postgres/identifier.ts';
import type { Cursor } from './poll-state.ts';
import type { QuerySourceSettings } from './settings.ts';
import { shortXid, type XidWindow } from './xid-window.ts';

/** Where rows are read from: a table (`xmin` tells when a row was written), or a view or query, which best effort has to do for. */
export type Origin =
  | { readonly kind: 'table'; readonly isPartitioned: boolean }
  | { readonly kind: 'view' }
  | { readonly kind: 'query'; readonly sql: string };

/** What a view or query is read by; see `QuerySourceSettings`. */
export interface CursorColumns {
  readonly incrementing: string | undefined;
  readonly timestamps: readonly string[];
  readonly delayMs: number;
}

/** What rows of views and queries are read by in this mode. */
export function cursorColumns({
  mode,
  incrementingColumn,
  timestampColumns,
  timestampDelayMs,
}: Pick<QuerySourceSettings, 'mode' | 'incrementingColumn' | 'timestampColumns' | 'timestampDelayMs'>): CursorColumns {
  return {
    incrementing: mode.includes('incrementing') ? incrementingColumn : undefined,
    timestamps: mode.includes('timestamp') ? timestampColumns : [],
    delayMs: timestampDelayMs,
  };
}

/** Prints all rows, or those of the window; the first field is the row's xmin where it is a table's. */
export function rowsStatement(table: TableSchema, origin: Origin, window: XidWindow | undefined): string {
  const where = window === undefined ? '' : ` where ${writtenIn(window)}`;
  return copyOf(
    table,
    origin,
    table.columns.map(({ name }) => quoteIdentifier(name)),
    where,
  );
}

/** Prints the rows between two cursors. */
export function cursorStatement(
  table: TableSchema,
  origin: Origin,
  columns: CursorColumns,
  from: Cursor,
  to: Cursor,
): string {
  const found = [timestampRange(columns, from, to), incrementingRange(columns, from, to)].filter((each) => each !== '');
  return copyOf(
    table,
    origin,
    table.columns.map(({ name }) => quoteIdentifier(name)),
    ` where ${found.join(' or ')}`,
  );
}

/** Prints the keys of all rows. */
export function keysStatement(table: TableSchema, origin: Origin): string {
  const columns = table.key.map((i) => quoteIdentifier(table.columns[i]?.name ?? ''));
  return /* sql */ `copy (select ${columns.join(', ')} from ${fromOf(table, origin)}) to stdout`;
}

/** How far the rows of a view or query may be read now. */
export function cursorNowStatement(table: TableSchema, origin: Origin, columns: CursorColumns): string {
  const { incrementing, timestamps, delayMs } = columns;
  const timestamp = timestamps.length === 0 ? 'null' : /* sql */ `(now() - ${delayMs} * interval '1 ms')::text`;
  const last = incrementing === undefined ? 'null' : /* sql */ `max(${quoteIdentifier(incrementing)})::text`;
  const from = incrementing === undefined ? '' : ` from ${fromOf(table, origin)}`;
  return /* sql */ `select ${timestamp} as timestamp, ${last} as incrementing${from}`;
}

/** The relation as FROM names it. Rows of tables that inherit from it are not its own; those of its partitions are. */
export function fromOf({ schema, name }: Pick<TableSchema, 'schema' | 'name'>, origin: Origin): string {
  if (origin.kind === 'query') return `(${origin.sql}\n) as query`;
  const only = origin.kind === 'table' && !origin.isPartitioned ? 'only ' : '';
  return `${only}${qualified(schema, name)}`;
}

function copyOf(table: TableSchema, origin: Origin, columns: readonly string[], where: string): string {
  const list = origin.kind === 'table' ? ['xmin', ...columns] : columns;
  return /* sql */ `copy (select ${list.join(', ')} from ${fromOf(table, origin)}${where}) to stdout`;
}

/** By age, because ids are compared in a circle; what frozen rows keep in their place may lie ahead. */
function writtenIn({ from }: XidWindow): string {
  return /* sql */ `pg_catalog.age(xmin) between 0 and pg_catalog.age('${shortXid(from)}'::pg_catalog.xid)`;
}

function timestampRange({ timestamps }: CursorColumns, from: Cursor, to: Cursor): string {
  if (timestamps.length === 0 || to.timestamp === undefined) return '';
  const names = timestamps.map(quoteIdentifier);
  const value = names.length === 1 ? (names[0] as string) : `coalesce(${names.join(', ')})`;
  const literal = (text: string): string => `${quoteLiteral(text)}::timestamptz`;
  const above = from.timestamp === undefined ? '' : `${value} > ${literal(from.timestamp)} and `;
  return `(${above}${value} <= ${literal(to.timestamp)})`;
}

function incrementingRange({ incrementing, timestamps }: CursorColumns, from: Cursor, to: Cursor): string {
  if (incrementing === undefined) return '';
  if (to.incrementing === undefined) return 'false';
  const column = quoteIdentifier(incrementing);
  // Rows whose timestamp is to come are read when it has come; beside a timestamp this is for those that have none.
  const timeless =
    timestamps.length === 0 ? '' : ` and ${timestamps.map((each) => `${quoteIdentifier(each)} is null`).join(' and ')}`;
  const above = from.incrementing === undefined ? '' : `${column} > ${quoteLiteral(from.incrementing)} and `;
  return `(${above}${column} <= ${quoteLiteral(to.incrementing)}${timeless})`;
}
