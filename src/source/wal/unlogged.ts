import type pg from 'pg';
import { postgresError } from '../../postgres/errors.ts';
import { qualified } from '../../postgres/identifier.ts';
import type { CaptureFilter } from '../capture/filter.ts';
import type { Warn } from '../capture/warn.ts';

interface Row {
  readonly id: number;
  readonly schema: string;
  readonly name: string;
  /** The partitioned table that it is a part of. */
  readonly root: { readonly schema: string; readonly name: string } | null;
}

/**
 * Warns of unlogged tables that the lists take in, once each: their rows are in no WAL. A partition may be unlogged while its table is not.
 * Temporary tables are in schemas that nothing takes in.
 */
export async function warnOfUnlogged(
  client: pg.ClientBase,
  filter: CaptureFilter,
  warn: Warn,
  told: Set<number>,
): Promise<void> {
  let rows: Row[];
  try {
    ({ rows } = await client.query<Row>(UNLOGGED));
  } catch (error) {
    throw postgresError(error, 'Cannot look up the unlogged tables of the source');
  }
  for (const { id, schema, name, root } of rows) {
    const isTaken = filter.table(schema, name) || (root !== null && filter.table(root.schema, root.name));
    if (!isTaken || told.has(id)) continue;
    told.add(id);
    const table = qualified(schema, name);
    warn(
      `Table ${table} is not captured: it is unlogged, so its rows are in no WAL`,
      root === null
        ? `Exclude it (table.exclude.list), or make it an ordinary table: alter table ${table} set logged.`
        : `The rows of table ${qualified(root.schema, root.name)} that it holds are missing: alter table ${table} set logged, and copy that table again.`,
    );
  }
}

const UNLOGGED = /* sql */ `
  select c.oid::int8::float8 as id, n.nspname as schema, c.relname as name, case when c.relispartition then (
      select json_build_object('schema', rn.nspname, 'name', r.relname) from pg_catalog.pg_class r
      join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace where r.oid = pg_partition_root(c.oid)) end as root
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and c.relpersistence = 'u' order by 2, 3`;
