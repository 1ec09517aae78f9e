import type pg from 'pg';
import { postgresError } from '../../../postgres/errors.ts';

/** The publication as it is. */
export interface PublicationFacts {
  readonly isForAll: boolean;
  readonly owner: string;
  readonly isOwned: boolean;
  readonly viaRoot: boolean;
  /** Of `insert`, `update`, `delete`, `truncate`: those that are published. */
  readonly operations: readonly string[];
  /** Tables that were added by name. */
  readonly listed: readonly {
    readonly relationId: number;
    readonly name: string;
    readonly hasFilter: boolean;
    readonly hasColumns: boolean;
  }[];
  /** All relations that are published in the end. */
  readonly published: readonly number[];
}

/** Undefined when there is none of this name. Throws TransientError or OperatorError. */
export async function readPublication(client: pg.ClientBase, name: string): Promise<PublicationFacts | undefined> {
  try {
    const { rows } = await client.query<{ facts: PublicationFacts }>(PUBLICATION, [name]);
    return rows[0]?.facts;
  } catch (error) {
    throw postgresError(error, `Cannot look at publication "${name}"`);
  }
}

/** Newer catalogs have more columns and tables: as JSON, or by their absence, they say what older ones cannot. */
const PUBLICATION = /* sql */ `
  select json_build_object(
    'isForAll', p.puballtables, 'owner', pg_get_userbyid(p.pubowner), 'isOwned', pg_has_role(p.pubowner, 'usage'),
    'viaRoot', p.pubviaroot,
    'operations', (select json_agg(operation) from (values ('insert', p.pubinsert), ('update', p.pubupdate),
      ('delete', p.pubdelete), ('truncate', p.pubtruncate)) o (operation, is_published) where is_published),
    'listed', (select coalesce(json_agg(json_build_object('relationId', r.prrelid::int8,
        'name', format('%I.%I', n.nspname, c.relname),
        'hasFilter', to_jsonb(r) ->> 'prqual' is not null, 'hasColumns', to_jsonb(r) ->> 'prattrs' is not null)), '[]')
      from pg_catalog.pg_publication_rel r join pg_catalog.pg_class c on c.oid = r.prrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace where r.prpubid = p.oid),
    'published', (select coalesce(json_agg(c.oid::int8), '[]') from pg_catalog.pg_publication_tables t
      join pg_catalog.pg_namespace n on n.nspname = t.schemaname
      join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = t.tablename where t.pubname = p.pubname)
  ) as facts
  from pg_catalog.pg_publication p where p.pubname = $1`;
