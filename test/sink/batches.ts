import { Batch, NULL, Op, type Control, type Transaction, UNCHANGED } from '../../src/change/batch.ts';
import type { Column, ColumnType, ReplicaIdentity, TableSchema } from '../../src/change/table-schema.ts';

/** A cell as tests write it: a value's Postgres text, `null`, or `unchanged` for a TOAST value that was not sent. */
export const unchanged: unique symbol = Symbol('unchanged');
export type Cell = string | null | typeof unchanged;

/** One change as tests write it. Rows are positional; a key row has `null` outside the key. */
export type Change =
  | { readonly op: 'insert' | 'read'; readonly table: TableSchema; readonly after: readonly Cell[] }
  | {
      readonly op: 'update';
      readonly table: TableSchema;
      readonly before?: readonly Cell[];
      readonly after: readonly Cell[];
    }
  | {
      readonly op: 'keyChange';
      readonly table: TableSchema;
      readonly before: readonly Cell[];
      readonly after: readonly Cell[];
    }
  | { readonly op: 'delete'; readonly table: TableSchema; readonly before: readonly Cell[] }
  | { readonly op: 'control'; readonly control: Control };

export const insert = (table: TableSchema, ...after: Cell[]): Change => ({ op: 'insert', table, after });
export const read = (table: TableSchema, ...after: Cell[]): Change => ({ op: 'read', table, after });
export const update = (table: TableSchema, ...after: Cell[]): Change => ({ op: 'update', table, after });
/** Under identity FULL: with the whole old row. */
export const updateFrom = (table: TableSchema, before: readonly Cell[], after: readonly Cell[]): Change => {
  return { op: 'update', table, before, after };
};
/** `before`: the old key in its columns, or the whole old row. */
export const keyChange = (table: TableSchema, before: readonly Cell[], after: readonly Cell[]): Change => {
  return { op: 'keyChange', table, before, after };
};
export const remove = (table: TableSchema, ...before: Cell[]): Change => ({ op: 'delete', table, before });
export const control = (of: Control): Change => ({ op: 'control', control: of });
export const announce = (table: TableSchema): Change => control({ kind: 'table', table });

const TRANSACTION: Transaction = { xid: 1, commitLsn: 1, commitTimeUs: 1 };

/** A batch of literal changes, all in one transaction; consistent unless said otherwise. */
export function batchOf(changes: readonly Change[], consistent: boolean = true): Batch {
  const batch = new Batch(4, 8, 16); // small, so that tests see it grow
  batch.transactions.push(TRANSACTION);
  batch.consistent = consistent;
  for (const change of changes) {
    if (change.op === 'control') {
      batch.addControl(change.control, 0, 0);
      continue;
    }
    const before = 'before' in change && change.before ? addRow(batch, change.before) : -1;
    const after = 'after' in change ? addRow(batch, change.after) : -1;
    batch.addChange(Op[change.op], tableNumber(batch, change.table), 0, 0, before, after);
  }
  return batch;
}

/** Shorthand for a table: columns as `name type`, `!` behind a type for NOT NULL, `*` for the key (which implies it). */
export function table(
  name: string,
  columns: readonly string[],
  options: Partial<Pick<TableSchema, 'relationId' | 'version' | 'schema' | 'identity'>> = {},
): TableSchema {
  const parsed = columns.map((text, i) => parseColumn(text, i));
  return {
    relationId: options.relationId ?? hash(name),
    version: options.version ?? 1,
    schema: options.schema ?? 'public',
    name,
    columns: parsed.map(({ column }) => column),
    key: parsed.flatMap(({ isKey }, i) => (isKey ? [i] : [])),
    identity: (options.identity ?? 'default') satisfies ReplicaIdentity,
  };
}

/** A column whose type is `declared`; known aliases are written as the catalog does. */
export function column(name: string, declared: string, attnum: number, more: Partial<Column> = {}): Column {
  return { name, attnum, type: typeOf(declared), nullable: true, ...more };
}

const TYPES: Readonly<Record<string, readonly [oid: number, name: string, declared: string]>> = {
  bool: [16, 'bool', 'boolean'],
  int: [23, 'int4', 'integer'],
  bigint: [20, 'int8', 'bigint'],
  text: [25, 'text', 'text'],
  json: [114, 'json', 'json'],
  xml: [142, 'xml', 'xml'],
  point: [600, 'point', 'point'],
  numeric: [1700, 'numeric', 'numeric'],
  inet: [869, 'inet', 'inet'],
  timestamptz: [1184, 'timestamptz', 'timestamp with time zone'],
};

export function typeOf(declared: string): ColumnType {
  const known = TYPES[declared];
  if (known !== undefined) {
    const name = `pg_catalog.${known[1]}`;
    return { oid: known[0], name, declared: known[2], modifier: -1, kind: 'base', base: name, baseModifier: -1 };
  }
  const char = /^(var)?char\((\d+)\)$/.exec(declared);
  if (char === null) throw new Error(`Not a type that tests know: ${declared}`);
  const name = char[1] ? 'pg_catalog.varchar' : 'pg_catalog.bpchar';
  const modifier = Number(char[2]) + 4;
  const text = `character${char[1] ? ' varying' : ''}(${char[2]})`;
  return {
    oid: char[1] ? 1043 : 1042,
    name,
    declared: text,
    modifier,
    kind: 'base',
    base: name,
    baseModifier: modifier,
  };
}

function parseColumn(text: string, i: number): { column: Column; isKey: boolean } {
  const [name, type] = text.split(' ') as [string, string];
  const isKey = type.endsWith('*');
  const isRequired = isKey || type.endsWith('!');
  const declared = isRequired ? type.slice(0, -1) : type;
  return { column: column(name, declared, i + 1, { nullable: !isRequired }), isKey };
}

function tableNumber(batch: Batch, schema: TableSchema): number {
  const known = batch.tables.indexOf(schema);
  return known >= 0 ? known : batch.tables.push(schema) - 1;
}

function addRow(batch: Batch, cells: readonly Cell[]): number {
  const first = batch.cellCount;
  for (const cell of cells) {
    if (cell === null) batch.addCell(0, NULL);
    else if (cell === unchanged) batch.addCell(0, UNCHANGED);
    else {
      const bytes = Buffer.from(cell);
      batch.copyCell(bytes, 0, bytes.length);
    }
  }
  return first;
}

function hash(name: string): number {
  let value = 16_384;
  for (const c of name) value = (value * 31 + c.charCodeAt(0)) % 1_000_000;
  return value;
}
