import type pg from 'pg';

/**
 * What the catalog says of all tables, a line for each thing. The ledger's columns alone are compared, because the judge made it. Constraints,
 * indexes and defaults that the lasting tables had before the copy are not the sink's to make: of those only what was designed since counts. Nor is
 * a type that no table has.
 */
const CATALOG = /* sql */ `
  with tables as (
    select c.oid, c.relname::text as name, c.relname like 'shape\\_%' or c.relname = 'designs' as is_whole
    from pg_catalog.pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p'))
  select 'column ' || t.name || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then ' not null' else '' end
      || case when t.is_whole or a.attname like 'x\\_%' then ' default ' || coalesce(pg_get_expr(d.adbin, d.adrelid), 'none') else '' end as line
    from tables t join pg_catalog.pg_attribute a on a.attrelid = t.oid
      left join pg_catalog.pg_attrdef d on d.adrelid = t.oid and d.adnum = a.attnum
    where a.attnum > 0 and not a.attisdropped
  union all select 'constraint ' || t.name || '.' || k.conname || ' ' || pg_get_constraintdef(k.oid) || ' ' || k.convalidated
    from tables t join pg_catalog.pg_constraint k on k.conrelid = t.oid
    where k.contype not in ('n', 't') and (t.is_whole or k.conname like 'x\\_%')
  union all select 'index ' || pg_get_indexdef(i.indexrelid)
    from tables t join pg_catalog.pg_index i on i.indrelid = t.oid join pg_catalog.pg_class c on c.oid = i.indexrelid
    where t.is_whole or c.relname like 'x\\_%'
  union all select 'labels of ' || y.typname || ' ' || array(select enumlabel from pg_catalog.pg_enum where enumtypid = y.oid order by enumsortorder)::text
    from pg_catalog.pg_type y where y.typnamespace = 'public'::regnamespace and y.typtype = 'e'
      and exists (select from tables t join pg_catalog.pg_attribute a on a.attrelid = t.oid where a.atttypid = y.oid and not a.attisdropped)
  order by 1`;

/** Where the catalogs differ, in words. */
export async function compareCatalogs(source: pg.ClientBase, replica: pg.ClientBase): Promise<string[]> {
  const [there, here] = [await linesOf(source), await linesOf(replica)];
  return [
    ...there.filter((line) => !here.includes(line)).map((line) => `only at the source: ${line}`),
    ...here.filter((line) => !there.includes(line)).map((line) => `only on the replica: ${line}`),
  ];
}

/** Names of all tables that are to be compared. */
export async function tablesOf(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    /* sql */ `select relname::text as name from pg_catalog.pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by 1`,
  );
  return rows.map(({ name }) => name);
}

async function linesOf(client: pg.ClientBase): Promise<string[]> {
  return (await client.query<{ line: string }>(CATALOG)).rows.map(({ line }) => line);
}
