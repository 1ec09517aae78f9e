import type pg from 'pg';
import { qualified } from '../../src/postgres/identifier.ts';
import { compareTable, type TableName } from '../../src/verify/compare.ts';

/** A captured table with its columns and their types, as the catalog prints them. */
export interface Shape extends TableName {
  readonly columns: Readonly<Record<string, string>>;
  readonly isPartitioned: boolean;
}

/** All ordinary tables of a database; partitions by their root, or, as `leaves`, by themselves. */
export async function shapes(client: pg.Client, leaves: boolean = false): Promise<Shape[]> {
  const kinds = leaves ? /* sql */ `c.relkind = 'r'` : /* sql */ `c.relkind in ('r', 'p') and not c.relispartition`;
  const { rows } = await client.query<Shape>(/* sql */ `
    select n.nspname as schema, c.relname as name, c.relkind = 'p' as "isPartitioned",
      (select coalesce(json_object_agg(a.attname, format_type(a.atttypid, a.atttypmod)), '{}') from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where ${kinds} and c.relpersistence = 'p'
      and n.nspname !~ '^(pg_|information_schema$|rowcast$)' order by 1, 2`);
  return rows;
}

/** The table as statements take it that are to reach no table that inherits from it. */
export function aloneOf({ schema, name, isPartitioned }: Shape): string {
  return `${isPartitioned ? '' : 'only '}${qualified(schema, name)}`;
}

/** Whether a table is on the replica with the same columns of the same types, whatever their order. */
export function isSameShape(table: Shape, replica: readonly Shape[]): boolean {
  const other = replica.find(({ schema, name }) => schema === table.schema && name === table.name);
  return other !== undefined && JSON.stringify(sorted(table)) === JSON.stringify(sorted(other));
}

function sorted({ columns }: Shape): unknown {
  return Object.entries(columns).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Says where a table differs from its replica; undefined when both are equal. */
export async function differs(source: pg.Client, replica: pg.Client, table: Shape): Promise<string | undefined> {
  const { difference } = await compareTable(source, replica, table);
  if (difference === undefined) return undefined;
  const there = { ...table, isPartitioned: table.isPartitioned && (await isPartitioned(replica, table)) };
  const [left, right] = [await texts(source, table), await texts(replica, there)];
  const only = (a: readonly string[], b: readonly string[]): string =>
    a
      .filter((row) => !b.includes(row))
      .slice(0, 3)
      .map((row) => `    ${row.length > 300 ? `${row.slice(0, 300)}…` : row}`)
      .join('\n');
  const where = difference.columns.length > 0 ? `, columns ${difference.columns.join(', ')}` : '';
  return `table ${table.schema}.${table.name}: ${difference.what} at row ${difference.row} (${left.length} rows, the replica has ${right.length})${where}\n  only on the source:\n${only(left, right)}\n  only on the replica:\n${only(right, left)}`;
}

/** Rows as one text each, columns in the source's order. */
async function texts(client: pg.Client, table: Shape): Promise<string[]> {
  const columns = Object.keys(table.columns).map((name) => `"${name.replaceAll('"', '""')}"`);
  const row = columns.length > 0 ? `row(${columns.join(', ')})::text` : `''`;
  const sql = /* sql */ `select ${row} as row from ${aloneOf(table)} order by 1`;
  return (await client.query<{ row: string }>(sql)).rows.map((each) => each.row);
}

async function isPartitioned(client: pg.Client, { schema, name }: TableName): Promise<boolean> {
  const sql = /* sql */ `select from pg_class c where c.oid = to_regclass($1) and c.relkind = 'p'`;
  return (await client.query(sql, [qualified(schema, name)])).rowCount === 1;
}
