import type pg from 'pg';
import type { TableSchema } from '../../../change/table-schema.ts';
import { lookUpRelation } from '../../../postgres/catalog.ts';
import { postgresError } from '../../../postgres/errors.ts';
import type { CaptureFilter } from '../filter.ts';

/** A relation of the database, whether it is captured or not. */
export interface RelationName {
  readonly relationId: number;
  readonly schema: string;
  readonly name: string;
  /** `r` table, `p` partitioned table, `f` foreign table, `v` view, `m` materialized view. */
  readonly kind: 'r' | 'p' | 'f' | 'v' | 'm';
  readonly isUnlogged: boolean;
  /** The partitioned table at the top, of a partition. */
  readonly root: string | null;
}

/** What is looked at of a captured table. */
export interface TableFacts extends Omit<RelationName, 'kind' | 'isUnlogged' | 'root'> {
  readonly isPartitioned: boolean;
  readonly table: TableSchema;
  readonly owner: string;
  /** The role is the owner, or a member of it. */
  readonly isOwned: boolean;
  readonly mayUseSchema: boolean;
  readonly maySelect: boolean;
  /** A policy would hide rows from the role. */
  readonly hidesRows: boolean;
  /** The first partition that has another replica identity, or no key. */
  readonly partitionWithoutKey: string | null;
  /** Whether the index that the replica identity needs is there (a primary key that is deferred does not count). */
  readonly hasIdentityIndex: boolean;
  /** A unique index over columns that are never null: it can be the replica identity. */
  readonly uniqueIndex: string | null;
  /** Bytes on disk per row, large values included; null when nobody has analyzed the table. */
  readonly bytesPerRow: number | null;
  /** Types of extensions, as pg_type names them, with their extension and its schema. */
  readonly types: readonly SourceType[];
}

/** A type that a replica must have too, and how it is made there. */
export interface SourceType {
  /** Qualified, and quoted where needed. */
  readonly name: string;
  readonly extension: string | null;
  readonly extensionSchema: string | null;
  /** SQL that makes it, when it belongs to no extension and is more than a base type. */
  readonly ddl: string | null;
  /** The replica makes it, or does without it, by itself. */
  readonly isAutomatic: boolean;
}

/** All relations that could be meant by a filter. Throws TransientError or OperatorError. */
export async function readRelations(client: pg.ClientBase): Promise<readonly RelationName[]> {
  try {
    const { rows } = await client.query<RelationName>(RELATIONS);
    return rows;
  } catch (error) {
    throw postgresError(error, 'Cannot look at the tables');
  }
}

/** The relations that are captured: ordinary and partitioned tables (`isFromWal`: that keep WAL), partitions by their root only. */
export function captured(
  relations: readonly RelationName[],
  filter: CaptureFilter,
  isFromWal: boolean,
): readonly RelationName[] {
  return relations.filter(
    ({ schema, name, kind, isUnlogged, root }) =>
      (kind === 'r' || kind === 'p') && !(isFromWal && isUnlogged) && root === null && filter.table(schema, name),
  );
}

/** Reads what is to be known of the captured tables. */
export async function readTables(
  client: pg.ClientBase,
  relations: readonly RelationName[],
): Promise<readonly TableFacts[]> {
  const ids = relations.map(({ relationId }) => relationId);
  let rows: readonly Omit<TableFacts, 'table' | keyof RelationName>[];
  try {
    ({ rows } = await client.query<Omit<TableFacts, 'table' | keyof RelationName>>(DETAILS, [ids]));
  } catch (error) {
    throw postgresError(error, 'Cannot look at the captured tables');
  }
  const tables: TableFacts[] = [];
  for (const [i, relation] of relations.entries()) {
    const { relationId, schema, name, kind } = relation;
    const facts = await lookUpRelation(client, relationId);
    const details = rows[i];
    if (!facts || !details) continue; // dropped meanwhile
    const identity = { relationId, schema, name, isPartitioned: kind === 'p' };
    tables.push({ ...details, ...identity, table: { ...facts, version: 1 } });
  }
  return tables;
}

const RELATIONS = /* sql */ `
  select c.oid::int8::float8 as "relationId", n.nspname as schema, c.relname as name, c.relkind as kind,
    c.relpersistence = 'u' as "isUnlogged",
    case when c.relispartition then (select rn.nspname || '.' || rc.relname
      from pg_catalog.pg_class rc join pg_catalog.pg_namespace rn on rn.oid = rc.relnamespace
      where rc.oid = pg_partition_root(c.oid)) end as root
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'f', 'v', 'm') and c.relpersistence <> 't'
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  order by 2, 3`;

/** A key that can be identified by: unique, at once, whole, and never null. */
const USABLE = /* sql */ `i.indisunique and i.indimmediate and i.indisvalid and i.indpred is null and i.indexprs is null
  and not exists (select from pg_catalog.pg_attribute a where a.attrelid = i.indrelid
    and a.attnum = any((i.indkey::int2[])[0:i.indnkeyatts - 1]) and not a.attnotnull)`;

const DETAILS = /* sql */ `
  select pg_get_userbyid(c.relowner) as owner, pg_has_role(c.relowner, 'usage') as "isOwned",
    has_schema_privilege(c.relnamespace, 'usage') as "mayUseSchema", has_table_privilege(c.oid, 'select') as "maySelect",
    row_security_active(c.oid) as "hidesRows",
    (select format('%I.%I', pn.nspname, pc.relname) from pg_partition_tree(c.oid) t join pg_catalog.pg_class pc on pc.oid = t.relid
      join pg_catalog.pg_namespace pn on pn.oid = pc.relnamespace
      where c.relkind = 'p' and t.isleaf and (pc.relreplident = 'n' or pc.relreplident in ('d', 'i') and not exists (
        select from pg_catalog.pg_index i where i.indrelid = pc.oid and i.indimmediate
          and case pc.relreplident when 'i' then i.indisreplident else i.indisprimary end))
      order by 1 limit 1) as "partitionWithoutKey",
    exists (select from pg_catalog.pg_index i where i.indrelid = c.oid and i.indimmediate and i.indisvalid
      and case c.relreplident when 'i' then i.indisreplident else i.indisprimary end) as "hasIdentityIndex",
    (select ic.relname from pg_catalog.pg_index i join pg_catalog.pg_class ic on ic.oid = i.indexrelid
      where i.indrelid = c.oid and not i.indisprimary and ${USABLE} order by i.indnkeyatts, ic.relname limit 1) as "uniqueIndex",
    case when c.reltuples > 0 then ((c.relpages::float8 + coalesce((select x.relpages from pg_catalog.pg_class x where x.oid = c.reltoastrelid), 0))
      * current_setting('block_size')::int / c.reltuples) end as "bytesPerRow",
    (select coalesce(json_agg(distinct jsonb_build_object('name', format('%I.%I', tn.nspname, t.typname), 'extension', e.extname, 'extensionSchema', en.nspname,
        'ddl', case t.typtype
          when 'c' then format('create type %I.%I as (%s);', tn.nspname, t.typname, (
            select string_agg(format('%I %s', m.attname, format_type(m.atttypid, m.atttypmod)), ', ' order by m.attnum)
            from pg_catalog.pg_attribute m where m.attrelid = t.typrelid and m.attnum > 0 and not m.attisdropped))
          when 'r' then format('create type %I.%I as range (subtype = %s);', tn.nspname, t.typname,
            (select format_type(r.rngsubtype, null) from pg_catalog.pg_range r where r.rngtypid = t.oid))
          when 'e' then format('create type %I.%I as enum (%s);', tn.nspname, t.typname,
            (select string_agg(quote_literal(l.enumlabel), ', ' order by l.enumsortorder) from pg_catalog.pg_enum l where l.enumtypid = t.oid))
          when 'd' then format('create domain %I.%I as %s;', tn.nspname, t.typname, format_type(t.typbasetype, t.typtypmod)) end,
        'isAutomatic', t.typtype in ('e', 'd') and t.oid = declared.oid)), '[]')
      from pg_catalog.pg_attribute a
      join pg_catalog.pg_type declared on declared.oid = a.atttypid
      join pg_catalog.pg_type t on t.oid = case when declared.typelem <> 0 and declared.typlen = -1 then declared.typelem else declared.oid end
      join pg_catalog.pg_namespace tn on tn.oid = t.typnamespace
      left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_type'::regclass and d.objid = t.oid and d.deptype = 'e'
      left join pg_catalog.pg_extension e on e.oid = d.refobjid
      left join pg_catalog.pg_namespace en on en.oid = e.extnamespace
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and tn.nspname <> 'pg_catalog') as types
  from unnest($1::int8[]) with ordinality wanted (id, n) left join pg_catalog.pg_class c on c.oid = wanted.id::oid
  order by wanted.n`;
