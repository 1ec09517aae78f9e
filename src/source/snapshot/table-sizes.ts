import type pg from 'pg';
import { postgresError } from '../../postgres/errors.ts';

/** What a table is copied by, and how large it is. */
export interface CopyFacts {
  /** Columns of the identity's index in its order; empty when its order cannot be asked for by plain comparisons. */
  readonly rangeColumns: readonly string[];
  /** By the statistics, or guessed from the size. */
  readonly estimatedRows: number;
  readonly bytes: number;
  /** Files of the table and its partitions: a rewrite changes them. */
  readonly files: string;
}

/** Rows of tables that were never analyzed are taken to be of this size, without what is stored aside (TOAST). */
const GUESSED_ROW_BYTES = 100;

/** Looks up the facts of all tables in one query, in the order of the ids. */
export async function lookUpCopyFacts(client: pg.ClientBase, relationIds: readonly number[]): Promise<CopyFacts[]> {
  try {
    const { rows } = await client.query<RawFacts>(FACTS, [relationIds]);
    return rows.map(({ columns, rows: counted, guessed, bytes, files }) => ({
      rangeColumns: columns ?? [],
      estimatedRows: Math.round(Number(counted) + Number(guessed) / GUESSED_ROW_BYTES),
      bytes: Number(bytes),
      files: files ?? '',
    }));
  } catch (error) {
    throw postgresError(error, 'Cannot look up the sizes of the tables to copy');
  }
}

/** About so many rows that a chunk has `chunkBytes`, never so few that chunks cost more than their rows. */
export function chunkRowsOf({ estimatedRows, bytes }: CopyFacts, chunkBytes: number): number {
  const rowBytes = estimatedRows > 0 ? bytes / estimatedRows : GUESSED_ROW_BYTES;
  return Math.min(MAX_CHUNK_ROWS, Math.max(MIN_CHUNK_ROWS, Math.floor(chunkBytes / Math.max(1, rowBytes))));
}

const MIN_CHUNK_ROWS = 100;
const MAX_CHUNK_ROWS = 200_000;

interface RawFacts {
  readonly columns: readonly string[] | null;
  readonly rows: string;
  readonly guessed: string;
  readonly bytes: string;
  readonly files: string | null;
}

/**
 * Ranges are compared by operators without a schema, under an empty search_path: so the index must be ordered by operators of
 * pg_catalog that are the types' own, in the columns' own collations, all in one direction.
 */
const FACTS = /* sql */ `
  with leaf as (
    select root.place, c.oid, c.reltuples, c.relkind, pg_catalog.pg_table_size(c.oid) as bytes,
      pg_catalog.pg_relation_size(c.oid) as main, pg_catalog.pg_relation_filenode(c.oid) as file
    from unnest($1::oid[]) with ordinality as root (id, place)
      cross join lateral (select root.id as relid union select relid from pg_catalog.pg_partition_tree(root.id)) t
      join pg_catalog.pg_class c on c.oid = t.relid and c.relkind <> 'p'),
  size as (
    select place, coalesce(sum(reltuples) filter (where reltuples >= 0), 0) as rows,
      coalesce(sum(main) filter (where reltuples < 0), 0) as guessed, sum(bytes) as bytes,
      string_agg(oid::text || ':' || coalesce(file, 0), ' ' order by oid) as files
    from leaf group by place),
  identity as (
    select root.place, i.*, row_number() over (partition by root.place order by i.indisreplident desc) as preference
    from unnest($1::oid[]) with ordinality as root (id, place)
      join pg_catalog.pg_class c on c.oid = root.id
      join pg_catalog.pg_index i on i.indrelid = root.id and i.indisvalid and (i.indisprimary or (i.indisreplident and c.relreplident = 'i'))),
  ordered as (
    select i.place, json_agg(a.attname order by k.n) as columns
    from identity i
      cross join lateral unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[], i.indoption::int2[])
        with ordinality as k (attnum, opclass, coll, opt, n)
      join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
      left join pg_catalog.pg_opclass o on o.oid = k.opclass and o.opcdefault
      left join pg_catalog.pg_amop p on p.amopfamily = o.opcfamily and p.amopstrategy = 1
        and p.amoplefttype = o.opcintype and p.amoprighttype = o.opcintype
      left join pg_catalog.pg_operator op on op.oid = p.amopopr and op.oprnamespace = 'pg_catalog'::regnamespace
    where i.preference = 1 and k.n <= i.indnkeyatts
    group by i.place
    having bool_and(op.oid is not null and k.coll = a.attcollation and k.opt = 0))
  select o.columns, coalesce(s.rows, 0)::text as rows, coalesce(s.guessed, 0)::text as guessed, coalesce(s.bytes, 0)::text as bytes, s.files
  from unnest($1::oid[]) with ordinality as root (id, place)
    left join size s on s.place = root.place left join ordered o on o.place = root.place
  order by root.place`;
