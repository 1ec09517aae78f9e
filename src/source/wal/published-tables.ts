import type pg from 'pg';
import { beyondDdl, postgresError } from '../../postgres/errors.ts';
import type { CaptureFilter } from '../capture/filter.ts';

/** A table as the publication publishes it. */
export interface PublishedTable {
  readonly relationId: number;
  readonly schema: string;
  readonly name: string;
  /** Undefined when the server does not tell (before version 15): all but generated columns. */
  readonly columns: readonly string[] | undefined;
  /** SQL condition of the rows that are published. */
  readonly rowFilter: string | undefined;
  readonly isPartitioned: boolean;
  /** How the publication came to it: by its name, as every table of its schema, or as every table. */
  readonly by: 'name' | 'schema' | 'all';
}

/** The captured tables of the publication, by name; or one of them. */
export async function publishedTables(
  client: pg.ClientBase,
  name: string,
  filter: CaptureFilter,
  only?: { readonly schema: string; readonly name: string },
): Promise<PublishedTable[]> {
  try {
    const parameters = [name, only?.schema ?? null, only?.name ?? null];
    const result = await beyondDdl(() => client.query<{ tables: RawTable[] | null }>(PUBLISHED, parameters));
    const tables = result.rows[0]?.tables ?? [];
    return tables.filter((table) => filter.table(table.schemaname, table.tablename)).map(toPublished);
  } catch (error) {
    throw postgresError(error, `Cannot look up the tables of publication "${name}"`);
  }
}

interface RawTable {
  readonly relation_id: number;
  readonly schemaname: string;
  readonly tablename: string;
  readonly relkind: string;
  readonly by: PublishedTable['by'];
  readonly attnames?: readonly string[] | null;
  readonly rowfilter?: string | null;
}

function toPublished(raw: RawTable): PublishedTable {
  return {
    relationId: raw.relation_id,
    schema: raw.schemaname,
    name: raw.tablename,
    columns: raw.attnames ?? undefined,
    rowFilter: raw.rowfilter ?? undefined,
    isPartitioned: raw.relkind === 'p',
    by: raw.by,
  };
}

/** The view has more columns on newer servers: as JSON they are there or not. */
const PUBLISHED = /* sql */ `
  select json_agg(to_jsonb(t) || jsonb_build_object('relation_id', c.oid::int8, 'relkind', c.relkind, 'by', case
    when p.puballtables then 'all'
    when exists (select from pg_catalog.pg_publication_rel r where r.prpubid = p.oid and r.prrelid = c.oid) then 'name'
    else 'schema' end) order by t.schemaname, t.tablename) as tables
  from pg_catalog.pg_publication_tables t
  join pg_catalog.pg_publication p on p.pubname = t.pubname
  join pg_catalog.pg_namespace n on n.nspname = t.schemaname
  join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
  where t.pubname = $1 and ($2::text is null or (t.schemaname = $2 and t.tablename = $3))`;
