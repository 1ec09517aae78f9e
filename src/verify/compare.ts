import type pg from 'pg';
import { qualified, quoteIdentifier } from '../postgres/identifier.ts';
import { postgresError } from '../postgres/errors.ts';
import { copyOut } from './copy-out.ts';

/** A table by its name, the same on both sides. */
export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** Where two tables differ first. Names places, never values (Invariant 11). */
export interface Difference {
  /** Number of the row in key order, from 1. */
  readonly row: number;
  /** The columns that differ in that row; none when one side has no such row, or when the rows have different keys. */
  readonly columns: readonly string[];
  readonly what: 'columns differ' | 'row missing on the replica' | 'row only on the replica' | 'keys differ';
}

/** Two tables compared. */
export interface Comparison {
  readonly table: TableName;
  /** Rows that are equal on both sides, up to the difference if there is one. */
  readonly rows: number;
  readonly difference: Difference | undefined;
}

interface Shape {
  readonly columns: readonly string[];
  /** Columns of the key, first in `columns`; empty: the table has none, and its rows are ordered by all columns. */
  readonly keyColumns: number;
  readonly order: string;
}

/**
 * Compares the text of all rows, in key order, as `COPY (select … order by key) TO STDOUT` gives it on both sides: streamed, so
 * tables of any size fit. Both clients must see the same moment: callers open their transactions.
 */
export async function compareTable(source: pg.Client, replica: pg.Client, table: TableName): Promise<Comparison> {
  const shape = await shapeOf(source, table);
  const sql = async (client: pg.Client): Promise<string> =>
    /* sql */ `copy (select ${shape.columns.map(quoteIdentifier).join(', ')} from ${await fromClause(client, table)} order by ${shape.order}) to stdout`;
  const left = copyOut(source, await sql(source), `Cannot read ${table.schema}.${table.name} on the source`);
  const right = copyOut(replica, await sql(replica), `Cannot read ${table.schema}.${table.name} on the replica`);
  let rows = 0;
  let difference: Difference | undefined;
  for (;;) {
    const [a, b] = await Promise.all([left.next(), right.next()]);
    if (a.done && b.done) return { table, rows, difference };
    if (difference !== undefined) continue; // read to the end, so that the connections can be used again
    if (!a.done && !b.done && a.value.equals(b.value)) rows++;
    else difference = locate(shape, rows + 1, a.done ? undefined : a.value, b.done ? undefined : b.value);
  }
}

function locate(shape: Shape, row: number, a: Buffer | undefined, b: Buffer | undefined): Difference {
  if (a === undefined) return { row, columns: [], what: 'row only on the replica' };
  if (b === undefined) return { row, columns: [], what: 'row missing on the replica' };
  const left = cells(a);
  const right = cells(b);
  const different = shape.columns.flatMap((name, i) =>
    left[i] === right[i] ? [] : [{ name, isKey: i < shape.keyColumns }],
  );
  if (different.some(({ isKey }) => isKey)) return { row, columns: [], what: 'keys differ' };
  return { row, columns: different.map(({ name }) => name), what: 'columns differ' };
}

/** COPY escapes tabs and newlines inside values, so a tab always is a border. */
function cells(line: Buffer): readonly string[] {
  return line.toString('latin1').replace(/\n$/, '').split('\t');
}

/** Rows of tables that inherit from the table are those tables' own; those of partitions are not. */
async function fromClause(client: pg.Client, { schema, name }: TableName): Promise<string> {
  const { rowCount } = await client.query(
    /* sql */ `select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relname = $2 and c.relkind = 'p'`,
    [schema, name],
  );
  return `${rowCount === 0 ? 'only ' : ''}${qualified(schema, name)}`;
}

async function shapeOf(client: pg.Client, table: TableName): Promise<Shape> {
  try {
    const { rows } = await client.query<{ name: string; key: number | null; collated: boolean }>(COLUMNS, [
      table.schema,
      table.name,
    ]);
    const key = rows.filter((row) => row.key !== null).sort((a, b) => (a.key as number) - (b.key as number));
    const columns = [...key, ...rows.filter((row) => row.key === null)];
    const by = ({ name, collated }: { name: string; collated: boolean }): string => {
      const column = quoteIdentifier(name);
      // By the output function: a cast to text may be one that the type's owner has made, and would run with our rights.
      if (key.length === 0) return `format('%L', ${column}) collate "C"`;
      return collated ? `${column}::text collate "C"` : column;
    };
    const order = (key.length > 0 ? key : columns).map(by).join(', ');
    return { columns: columns.map(({ name }) => name), keyColumns: key.length, order };
  } catch (error) {
    throw postgresError(error, `Cannot look up ${table.schema}.${table.name} on the source`);
  }
}

/** All columns with their place in the primary key. Text is ordered bytewise: the two servers may have different locales. */
const COLUMNS = /* sql */ `
  select a.attname as name, array_position(i.indkey::int2[], a.attnum) as key, a.attcollation <> 0 as collated
  from pg_catalog.pg_attribute a
  join pg_catalog.pg_class c on c.oid = a.attrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_index i on i.indrelid = c.oid and i.indisprimary
  where n.nspname = $1 and c.relname = $2 and a.attnum > 0 and not a.attisdropped
  order by a.attnum`;
