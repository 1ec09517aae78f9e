import type pg from 'pg';

/** A table on both sides; `only` leaves out what inherits from it. */
export interface Compared {
  readonly name: string;
  readonly only?: boolean;
}

/** One row as its values' texts; large ones as their digest. */
export type RowText = readonly (string | null)[];

/** Reads all rows of a table as text, in no order. */
export async function rowsOf(client: pg.Client, { name, only }: Compared): Promise<RowText[]> {
  const columns = await columnNames(client, name);
  if (columns.length === 0) {
    const counted = await client.query<{ n: number }>(`select count(*)::int as n from ${name}`);
    return Array.from({ length: counted.rows[0]?.n ?? 0 }, () => []);
  }
  const cells = columns.map((column) => `case when num_nulls(${column}) = 0 then format('%s', ${column}) end`);
  // As one array: a select cannot have as many expressions as the widest table has columns.
  const { rows } = await client.query<{ cells: RowText }>(/* sql */ `
    select array(select case when octet_length(t) > 2000 then octet_length(t) || ' bytes ' || md5(t) else t end
      from unnest(array[${cells.join(', ')}]) with ordinality u (t, i) order by i) as cells
    from ${only ? 'only ' : ''}${name}`);
  return rows.map((row) => row.cells);
}

async function columnNames(client: pg.Client, name: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    /* sql */ `select quote_ident(attname) as name from pg_catalog.pg_attribute
      where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attname collate "C"`,
    [name],
  );
  return rows.map((row) => row.name);
}

/** What a table declares of its columns, one line each: type with modifier, collation, NOT NULL, generated, identity. */
export async function declarations(client: pg.Client, name: string): Promise<string[]> {
  const { rows } = await client.query<{ line: string }>(
    /* sql */ `select concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
        case when a.attcollation <> t.typcollation then 'collate ' || a.attcollation::regcollation end,
        case when a.attnotnull then 'not null' end, nullif('generated ' || a.attgenerated::text, 'generated '),
        case when a.attidentity <> '' then 'identity' end) as line
      from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
      where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum`,
    [name],
  );
  return rows.map((row) => row.line);
}

/** Whether there is a table of this name. */
export async function exists(client: pg.Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [name]);
  return rows[0]?.there === true;
}

/** Says where two lists of rows differ first, without regard to order; undefined when they are equal. */
export function difference(source: readonly RowText[], replica: readonly RowText[]): string | undefined {
  const count = new Map<string, number>();
  for (const row of source) count.set(JSON.stringify(row), (count.get(JSON.stringify(row)) ?? 0) + 1);
  const surplus: string[] = [];
  for (const row of replica) {
    const text = JSON.stringify(row);
    const left = (count.get(text) ?? 0) - 1;
    if (left < 0) surplus.push(text);
    else if (left === 0) count.delete(text);
    else count.set(text, left);
  }
  const [missing] = count.keys();
  if (missing === undefined && surplus.length === 0) return undefined;
  const show = (text: string | undefined): string => (text === undefined ? 'nothing' : text.slice(0, 300));
  return `source ${show(missing)}, replica ${show(surplus[0])}`;
}
