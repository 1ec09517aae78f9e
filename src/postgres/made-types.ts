import type pg from 'pg';
import type { Collation, ColumnType, MadeType, TypeReference } from '../change/table-schema.ts';

/** What `collationSql` answers. */
export interface RawCollation {
  readonly name: string;
  readonly provider: string | null;
  readonly locale: string | null;
  readonly ctype: string | null;
  readonly rules: string | null;
  readonly deterministic: boolean;
}

export function toCollation({ name, provider, locale, ctype, rules, deterministic }: RawCollation): Collation {
  if (provider === null || locale === null) return { name };
  const more = { ...(ctype !== null && { ctype }), ...(rules !== null && { rules }) };
  return { name, definition: { provider, locale, ...more, isDeterministic: deterministic } };
}

/** Behind a dot keywords need no quotes, so that the name is `pg_catalog.numeric`, without `quote_ident`'s. */
export function bare(name: string): string {
  return `case when ${name} ~ '^[a-z_][a-z0-9_$]*$' then ${name}::text else quote_ident(${name}) end`;
}

/** The collation as JSON where it is not the type's own, else null. The catalog's names for a locale differ between versions. */
export function collationSql(collation: string, own: string): string {
  return /* sql */ `case when ${collation} <> ${own} then (
    select json_build_object('name', quote_ident(cn.nspname) || '.' || ${bare('co.collname')}, 'deterministic', co.collisdeterministic,
      'provider', case when cn.nspname <> 'pg_catalog' then co.collprovider end,
      'locale', coalesce(j ->> 'colllocale', j ->> 'colliculocale', j ->> 'collcollate'), 'ctype', j ->> 'collctype', 'rules', j ->> 'collicurules')
    from pg_catalog.pg_collation co join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace cross join to_jsonb(co) j
    where co.oid = ${collation}) end`;
}

interface RawType {
  readonly oid: number;
  readonly name: string;
  readonly kind: 'b' | 'e' | 'd' | 'c' | 'r' | 'm';
  readonly needs: readonly number[];
  readonly isArray: boolean;
  /** Made by Postgres itself. */
  readonly isOwn: boolean;
  readonly extension: string | null;
  readonly schema: string;
  readonly labels: readonly string[] | null;
  readonly base: TypeReference | null;
  readonly notNull: boolean;
  readonly default: string | null;
  readonly checks: readonly { readonly name: string; readonly definition: string }[] | null;
  readonly collation: RawCollation | null;
  readonly attributes:
    | readonly { readonly name: string; readonly type: TypeReference; readonly collation: RawCollation | null }[]
    | null;
  readonly range: {
    readonly subtype: TypeReference;
    readonly multirange: string | null;
    readonly collation: RawCollation | null;
    readonly operators: string | null;
    readonly difference: string | null;
    readonly isCanonical: boolean;
  } | null;
}

/** By a type's id: what it takes to make it elsewhere. Types of Postgres itself have no entry. */
export async function lookUpMadeTypes(
  client: pg.ClientBase,
  types: readonly ColumnType[],
): Promise<Map<number, readonly MadeType[]>> {
  const isMade = ({ name }: ColumnType): boolean => !/^(?:pg_catalog|information_schema)\./.test(name);
  const ids = [...new Set(types.filter(isMade).map(({ oid }) => oid))];
  if (ids.length === 0) return new Map();
  const { rows } = await client.query<{ type: RawType }>(MADE_TYPES, [ids]);
  const byId = new Map(rows.map(({ type }) => [type.oid, type]));
  return new Map(ids.map((oid) => [oid, inOrder(oid, byId)]));
}

/** What a type needs stands before it. */
function inOrder(oid: number, byId: ReadonlyMap<number, RawType>): MadeType[] {
  const made: MadeType[] = [];
  const seen = new Set<number>();
  const visit = (id: number): void => {
    const type = byId.get(id);
    if (type === undefined || seen.has(id)) return;
    seen.add(id);
    if (type.extension === null) for (const need of type.needs) visit(need);
    const entry = type.isOwn || type.isArray ? undefined : toMade(type);
    if (entry !== undefined) made.push(entry);
  };
  visit(oid);
  return made;
}

function toMade(type: RawType): MadeType | undefined {
  const { name } = type;
  if (type.extension !== null) return { kind: 'extension', name, extension: type.extension, schema: type.schema };
  const collation = type.collation ? { collation: toCollation(type.collation) } : {};
  if (type.kind === 'e') return { kind: 'enum', name, labels: type.labels ?? [] };
  if (type.kind === 'd' && type.base !== null) {
    const { base, notNull, checks, default: value } = type;
    return {
      kind: 'domain',
      name,
      base,
      ...collation,
      ...(value !== null && { default: value }),
      notNull,
      checks: checks ?? [],
    };
  }
  if (type.kind === 'c' && type.attributes !== null) {
    const attributes = type.attributes.map((each) => ({
      name: each.name,
      type: each.type,
      ...(each.collation && { collation: toCollation(each.collation) }),
    }));
    return { kind: 'composite', name, attributes };
  }
  if (type.kind !== 'r' || type.range === null) return undefined; // made with another, or nobody else can make it
  const { subtype, multirange, operators, difference, isCanonical } = type.range;
  return {
    kind: 'range',
    name,
    subtype,
    isCanonical,
    ...(multirange !== null && { multirange }),
    ...(operators !== null && { operators }),
    ...(difference !== null && { difference }),
    ...(type.range.collation && { collation: toCollation(type.range.collation) }),
  };
}

function nameOf(type: string, space: string): string {
  return `quote_ident(${space}.nspname) || '.' || ${bare(`${type}.typname`)}`;
}

function referenceSql(typeId: string, modifier: string): string {
  return /* sql */ `(select json_build_object('name', ${nameOf('r', 'rn')}, 'modifier', ${modifier})
    from pg_catalog.pg_type r join pg_catalog.pg_namespace rn on rn.oid = r.typnamespace where r.oid = ${typeId})`;
}

/** Multiranges have their column in pg_range since version 14: by way of JSON the query is one for all. */
const MADE_TYPES = /* sql */ `
  with recursive needed (oid) as (
    select unnest($1::oid[])
    union
    select need.oid from needed n join pg_catalog.pg_type t on t.oid = n.oid cross join lateral (
      select t.typelem union all select t.typbasetype
      union all select a.atttypid from pg_catalog.pg_attribute a where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
      union all select g.rngsubtype from pg_catalog.pg_range g where g.rngtypid = t.oid
      union all select g.rngtypid from pg_catalog.pg_range g where (to_jsonb(g) ->> 'rngmultitypid')::oid = t.oid) need (oid)
    where need.oid <> 0)
  select json_build_object('oid', t.oid::int8, 'name', ${nameOf('t', 'tn')}, 'kind', t.typtype, 'schema', tn.nspname,
    'isOwn', tn.nspname in ('pg_catalog', 'information_schema'),
    'isArray', exists (select from pg_catalog.pg_type e where e.typarray = t.oid),
    'needs', (select coalesce(json_agg(need.oid::int8), '[]') from (
      select t.typelem union all select t.typbasetype
      union all select a.atttypid from pg_catalog.pg_attribute a where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
      union all select g.rngsubtype from pg_catalog.pg_range g where g.rngtypid = t.oid
      union all select g.rngtypid from pg_catalog.pg_range g where (to_jsonb(g) ->> 'rngmultitypid')::oid = t.oid) need (oid) where need.oid <> 0),
    'extension', (select e.extname from pg_catalog.pg_depend d join pg_catalog.pg_extension e on e.oid = d.refobjid
      where d.classid = 'pg_catalog.pg_type'::regclass and d.objid = t.oid and d.refclassid = 'pg_catalog.pg_extension'::regclass and d.deptype = 'e'),
    'labels', (select json_agg(e.enumlabel order by e.enumsortorder) from pg_catalog.pg_enum e where e.enumtypid = t.oid),
    'base', case when t.typtype = 'd' then ${referenceSql('t.typbasetype', 't.typtypmod')} end,
    'notNull', t.typnotnull, 'default', case when t.typtype = 'd' then t.typdefault end,
    'checks', (select json_agg(json_build_object('name', k.conname, 'definition', pg_get_constraintdef(k.oid)) order by k.oid)
      from pg_catalog.pg_constraint k where k.contypid = t.oid and k.contype = 'c' and k.convalidated),
    'collation', case when t.typtype = 'd' then (select ${collationSql('t.typcollation', 'b.typcollation')} from pg_catalog.pg_type b where b.oid = t.typbasetype) end,
    'attributes', case when c.relkind = 'c' then (
      select coalesce(json_agg(json_build_object('name', a.attname, 'type', ${referenceSql('a.atttypid', 'a.atttypmod')},
        'collation', ${collationSql('a.attcollation', 'at.typcollation')}) order by a.attnum), '[]')
      from pg_catalog.pg_attribute a join pg_catalog.pg_type at on at.oid = a.atttypid
      where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped) end,
    'range', (
      select json_build_object('subtype', ${referenceSql('g.rngsubtype', '-1')}, 'isCanonical', g.rngcanonical <> 0,
        'multirange', (select ${nameOf('m', 'mn')} from pg_catalog.pg_type m join pg_catalog.pg_namespace mn on mn.oid = m.typnamespace
          where m.oid = (to_jsonb(g) ->> 'rngmultitypid')::oid),
        'collation', ${collationSql('g.rngcollation', 's.typcollation')},
        'operators', case when not o.opcdefault then quote_ident(opn.nspname) || '.' || quote_ident(o.opcname) end,
        'difference', (select quote_ident(pn.nspname) || '.' || quote_ident(p.proname) from pg_catalog.pg_proc p
          join pg_catalog.pg_namespace pn on pn.oid = p.pronamespace where p.oid = g.rngsubdiff))
      from pg_catalog.pg_range g join pg_catalog.pg_type s on s.oid = g.rngsubtype
      join pg_catalog.pg_opclass o on o.oid = g.rngsubopc join pg_catalog.pg_namespace opn on opn.oid = o.opcnamespace
      where g.rngtypid = t.oid)) as type
  from needed join pg_catalog.pg_type t on t.oid = needed.oid join pg_catalog.pg_namespace tn on tn.oid = t.typnamespace
  left join pg_catalog.pg_class c on c.oid = t.typrelid`;
