import type pg from 'pg';
import type { Column, ColumnType, ReplicaIdentity, TableSchema, TypeKind } from '../change/table-schema.ts';
import { postgresError } from './errors.ts';
import { bare, collationSql, lookUpMadeTypes, type RawCollation, toCollation } from './made-types.ts';

/** What the catalog knows of a relation now; a `TableSchema` without its version. */
export type RelationFacts = Omit<TableSchema, 'version'>;

/**
 * Looks a relation up; undefined when it is gone. Generated columns have their expression in `default`. The key is the replica identity's index,
 * else the primary key. Names of types are qualified because the session's search_path is empty (Invariant 10).
 */
export async function lookUpRelation(client: pg.ClientBase, relationId: number): Promise<RelationFacts | undefined> {
  try {
    const result = await client.query<{ facts: RawRelation }>(RELATION, [relationId]);
    const raw = result.rows[0]?.facts;
    if (!raw) return undefined;
    const facts = toFacts(relationId, raw);
    return { ...facts, columns: await withMadeTypes(client, facts.columns) };
  } catch (error) {
    throw postgresError(error, `Cannot look up relation ${relationId}`);
  }
}

/** The same of many relations with as many questions as of one; those that are gone are missing. */
export async function lookUpRelations(
  client: pg.ClientBase,
  relationIds: readonly number[],
): Promise<Map<number, RelationFacts>> {
  try {
    const { rows } = await client.query<{ oid: number; facts: RawRelation }>(RELATIONS, [relationIds]);
    const all = rows.map(({ oid, facts }) => toFacts(oid, facts));
    const columns = await withMadeTypes(
      client,
      all.flatMap((facts) => facts.columns),
    );
    let from = 0;
    const complete = all.map((facts): [number, RelationFacts] => {
      const own = columns.slice(from, (from += facts.columns.length));
      return [facts.relationId, { ...facts, columns: own }];
    });
    return new Map(complete);
  } catch (error) {
    throw postgresError(error, `Cannot look up ${relationIds.length} relations`);
  }
}

/** The columns with what their types are made of. */
export async function withMadeTypes(client: pg.ClientBase, columns: readonly Column[]): Promise<Column[]> {
  const made = await lookUpMadeTypes(
    client,
    columns.map(({ type }) => type),
  );
  return columns.map((column) => {
    const found = made.get(column.type.oid);
    return found === undefined ? column : { ...column, type: { ...column.type, made: found } };
  });
}

/** The id of a table by its name; undefined when there is none. */
export async function findRelation(client: pg.ClientBase, schema: string, name: string): Promise<number | undefined> {
  try {
    const result = await client.query<{ oid: number }>(
      /* sql */ `select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2`,
      [schema, name],
    );
    return result.rows[0]?.oid;
  } catch (error) {
    throw postgresError(error, `Cannot look up table ${schema}.${name}`);
  }
}

/** A type with its modifier, as the stream names them. */
export interface TypeReference {
  readonly typeId: number;
  readonly modifier: number;
}

/** Looks types up, in the order of the references. One that is gone by now is taken for text, which its values are sent as. */
export async function lookUpTypes(client: pg.ClientBase, references: readonly TypeReference[]): Promise<ColumnType[]> {
  if (references.length === 0) return [];
  try {
    const [ids, modifiers] = [references.map(({ typeId }) => typeId), references.map(({ modifier }) => modifier)];
    const result = await client.query<{ types: Record<number, RawType> }>(TYPES, [ids, modifiers]);
    const types = references.map(({ typeId, modifier }, i): ColumnType => {
      const raw = result.rows[0]?.types[i + 1]; // ordinality counts from 1
      return raw ? toType(raw) : { ...GONE, oid: typeId, modifier };
    });
    const made = await lookUpMadeTypes(client, types);
    return types.map((type) => {
      const found = made.get(type.oid);
      return found === undefined ? type : { ...type, made: found };
    });
  } catch (error) {
    throw postgresError(error, 'Cannot look up types');
  }
}

const GONE = {
  name: 'pg_catalog.text',
  declared: 'text',
  kind: 'base',
  base: 'pg_catalog.text',
  baseModifier: -1,
} as const;

interface RawType {
  readonly oid: number;
  readonly modifier: number;
  readonly declared: string;
  readonly type: string;
  readonly kind: TypeKind;
  readonly base: string;
  readonly baseModifier: number;
  readonly labels: readonly string[] | null;
}

interface RawColumn extends RawType {
  readonly attnum: number;
  readonly name: string;
  readonly nullable: boolean;
  readonly default: string | null;
  readonly generated: '' | 's' | 'v';
  readonly identity: '' | 'a' | 'd';
  readonly missing: string | null;
  /** Absent in what an older Rowcast has installed. */
  readonly requiredByType?: boolean;
  readonly collation?: RawCollation | null;
}

/** What `RELATION` answers. */
export interface RawRelation {
  readonly schema: string;
  readonly name: string;
  readonly identity: 'd' | 'n' | 'f' | 'i';
  readonly columns: readonly RawColumn[];
  readonly key: readonly number[] | null;
}

const IDENTITIES: Readonly<Record<RawRelation['identity'], ReplicaIdentity>> = {
  d: 'default',
  n: 'nothing',
  f: 'full',
  i: 'index',
};

/** Reads what `RELATION` answers. */
export function toFacts(relationId: number, raw: RawRelation): RelationFacts {
  const ordinals = new Map(raw.columns.map((column, i) => [column.attnum, i]));
  return {
    relationId,
    schema: raw.schema,
    name: raw.name,
    columns: raw.columns.map(toColumn),
    key: (raw.key ?? []).map((attnum) => ordinals.get(attnum) as number),
    identity: IDENTITIES[raw.identity],
  };
}

function toColumn(raw: RawColumn): Column {
  return {
    name: raw.name,
    attnum: raw.attnum,
    type: toType(raw),
    nullable: raw.nullable,
    ...(raw.default !== null && { default: raw.default }),
    ...(raw.generated && { generated: raw.generated }),
    ...(raw.identity && { identity: raw.identity }),
    ...(raw.missing !== null && { missing: raw.missing }),
    ...(raw.requiredByType === true && { requiredByType: true }),
    ...(raw.collation && { collation: toCollation(raw.collation) }),
  };
}

function toType(raw: RawType): ColumnType {
  const { oid, type: name, declared, modifier, kind, base, baseModifier, labels } = raw;
  return { oid, name, declared, modifier, kind, base, baseModifier, ...(labels && { labels }) };
}

/** A type's members in the JSON; `t` is the type, `base` what `baseOf` tells of it. */
function typeMembers(modifier: string): string {
  return /* sql */ `'oid', t.oid::int8, 'modifier', ${modifier}, 'declared', format_type(t.oid, ${modifier}),
    'type', quote_ident(tn.nspname) || '.' || ${bare('t.typname')},
    'kind', case when exists (select from pg_catalog.pg_type e where e.oid = t.typelem and e.typarray = t.oid) then 'array'
      else case t.typtype when 'e' then 'enum' when 'd' then 'domain' when 'c' then 'composite' when 'r' then 'range'
      when 'm' then 'multirange' else 'base' end end,
    'base', quote_ident(bn.nspname) || '.' || ${bare('bt.typname')}, 'baseModifier', base.modifier,
    'labels', (select json_agg(e.enumlabel order by e.enumsortorder) from pg_catalog.pg_enum e where e.enumtypid in (bt.oid, t.typelem))`;
}

/** A domain's base is looked for through all domains in between; the first modifier on the way is the one that holds. */
function baseOf(modifier: string): string {
  return /* sql */ `join pg_catalog.pg_namespace tn on tn.oid = t.typnamespace
    cross join lateral (
      with recursive walk (oid, modifier, required, depth) as (
        select t.oid, ${modifier}, false, 0
        union all
        select w.typbasetype, case when walk.modifier >= 0 then walk.modifier else w.typtypmod end,
          walk.required or w.typnotnull, walk.depth + 1
        from walk join pg_catalog.pg_type w on w.oid = walk.oid and w.typtype = 'd')
      select oid, modifier, required from walk order by depth desc limit 1) base
    join pg_catalog.pg_type bt on bt.oid = base.oid
    join pg_catalog.pg_namespace bn on bn.oid = bt.typnamespace`;
}

const TYPES = /* sql */ `
  select coalesce(json_object_agg(r.i, json_build_object(${typeMembers('r.modifier')})), '{}') as types
  from unnest($1::oid[], $2::int4[]) with ordinality r (type_id, modifier, i)
  join pg_catalog.pg_type t on t.oid = r.type_id
  ${baseOf('r.modifier')}`;

/**
 * Describes the relation `c` as one JSON value. A missing value is an array of one element, of which array_to_string alone gives the text as it
 * is, whatever its type. A partitioned table has no rows of its own: what its older rows have stands with the partitions.
 */
const DESCRIBED = /* sql */ `json_build_object(
    'schema', n.nspname, 'name', c.relname, 'identity', c.relreplident,
    'key', (
      select json_agg(k.attnum order by k.ordinality)
      from pg_catalog.pg_index i, unnest(i.indkey::int2[]) with ordinality k (attnum, ordinality)
      where i.indrelid = c.oid and k.ordinality <= i.indnkeyatts
        and case when c.relreplident = 'i' then i.indisreplident else i.indisprimary end),
    'columns', (
      select coalesce(json_agg(json_build_object(
        'attnum', a.attnum, 'name', a.attname, ${typeMembers('a.atttypmod')},
        'nullable', not (a.attnotnull or base.required), 'requiredByType', base.required and not a.attnotnull,
        'collation', ${collationSql('a.attcollation', 't.typcollation')}, 'default', pg_get_expr(d.adbin, d.adrelid),
        'generated', a.attgenerated, 'identity', a.attidentity,
        'missing', case when a.atthasmissing then array_to_string(a.attmissingval, '') when c.relkind = 'p' then (
          select array_to_string(l.attmissingval, '')
          from pg_catalog.pg_partition_tree(c.oid) p
          join pg_catalog.pg_attribute l on l.attrelid = p.relid and l.attname = a.attname
          where p.isleaf and l.atthasmissing limit 1) end) order by a.attnum), '[]')
      from pg_catalog.pg_attribute a
      join pg_catalog.pg_type t on t.oid = a.atttypid
      ${baseOf('a.atttypmod')}
      left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)) as facts
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace`;

/** Describes the relation $1. */
export const RELATION: string = /* sql */ `
  select ${DESCRIBED}
  where c.oid = $1`;

const RELATIONS = /* sql */ `select c.oid, ${DESCRIBED}
  where c.oid = any($1::oid[])`;
