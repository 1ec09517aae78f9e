import { PINS } from '../../../postgres/function-pins.ts';
import { describeMoreSql } from './describe-more-sql.ts';

/**
 * The functions that say what an object is like, as JSON (the shapes of `read-ddl.ts`); null for what is not followed. `relation` is the query that
 * describes columns and key of relation $1.
 */
export function describeObjectsSql(relation: string): string {
  return /* sql */ `create function rowcast.describe_relation(oid) returns json language sql stable ${PINS} as $rowcast$${relation}
$rowcast$;
create function rowcast.describe_table(oid) returns jsonb language sql stable ${PINS} as $rowcast$
  select jsonb_build_object('kind', 'table', 'oid', c.oid::int8, 'namespace', c.relnamespace::int8, 'unlogged', c.relpersistence = 'u',
    'partitionKey', pg_get_partkeydef(c.oid), 'options', c.reloptions, 'comment', obj_description(c.oid, 'pg_class'), 'comments', (
      select coalesce(jsonb_object_agg(a.attnum, col_description(c.oid, a.attnum)), '{}') from pg_catalog.pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and col_description(c.oid, a.attnum) is not null),
    'identityIndex', (select x.relname from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid where i.indrelid = c.oid and i.indisreplident),
    'facts', rowcast.describe_relation(c.oid)::jsonb,
    'partition', (
      select jsonb_build_object('parent', i.inhparent::int8, 'schema', pn.nspname, 'name', p.relname, 'bound', pg_get_expr(c.relpartbound, c.oid),
        'above', (select jsonb_build_object('schema', an.nspname, 'name', u.relname) from pg_catalog.pg_class u
          join pg_catalog.pg_namespace an on an.oid = u.relnamespace where u.oid = i.inhparent),
        'condition', pg_get_partition_constraintdef(c.oid), 'default', pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT')
      from pg_catalog.pg_inherits i join pg_catalog.pg_class p on p.oid = pg_partition_root(c.oid) join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
      where i.inhrelid = c.oid and c.relispartition),
    'constraints', (
      select coalesce(jsonb_agg(jsonb_build_object('oid', k.oid::int8, 'name', k.conname, 'type', k.contype, 'valid', k.convalidated,
        'definition', pg_get_constraintdef(k.oid), 'schema', fn.nspname, 'table', f.relname) order by k.oid), '[]')
      from pg_catalog.pg_constraint k left join pg_catalog.pg_class f on f.oid = k.confrelid left join pg_catalog.pg_namespace fn on fn.oid = f.relnamespace
      where k.conrelid = c.oid and k.conparentid = 0 and k.contype in ('p', 'u', 'f', 'c', 'x')),
    'indexes', (
      select coalesce(jsonb_agg(jsonb_build_object('oid', x.oid::int8, 'name', x.relname, 'definition', pg_get_indexdef(x.oid)) order by x.oid), '[]')
      from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
      where i.indrelid = c.oid and i.indisvalid and not exists (select from pg_catalog.pg_inherits h where h.inhrelid = x.oid) and not exists (
        select from pg_catalog.pg_constraint k where k.conindid = x.oid and k.conrelid = c.oid and k.contype in ('p', 'u', 'x'))))
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.oid = $1 and c.relkind in ('r', 'p') and c.relpersistence <> 't' and n.nspname !~ '^(pg_|(information_schema|rowcast)$)'
    and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
$rowcast$;
create function rowcast.describe_type(oid) returns jsonb language sql stable ${PINS} as $rowcast$
  select jsonb_build_object('kind', case t.typtype when 'e' then 'enum' when 'd' then 'domain' when 'r' then 'range' else 'composite' end, 'oid', t.oid::int8,
    'namespace', t.typnamespace::int8, 'schema', n.nspname, 'name', t.typname,
    'comment', coalesce(obj_description(t.oid, 'pg_type'), obj_description(t.typrelid, 'pg_class'))) || case t.typtype
    when 'e' then jsonb_build_object('labels', (
      select coalesce(jsonb_agg(jsonb_build_object('oid', e.oid::int8, 'label', e.enumlabel) order by e.enumsortorder), '[]') from pg_catalog.pg_enum e where e.enumtypid = t.oid))
    when 'd' then jsonb_build_object('base', format_type(t.typbasetype, t.typtypmod), 'notNull', t.typnotnull, 'default', t.typdefault, 'checks', (
      select coalesce(jsonb_agg(jsonb_build_object('oid', k.oid::int8, 'name', k.conname, 'definition', pg_get_constraintdef(k.oid)) order by k.oid), '[]')
      from pg_catalog.pg_constraint k where k.contypid = t.oid and k.contype = 'c'))
    when 'r' then (
      select jsonb_build_object('subtype', format_type(r.rngsubtype, null), 'multirange', jsonb_build_object('schema', mn.nspname, 'name', m.typname),
        'opclass', case when not o.opcdefault then jsonb_build_object('schema', op.nspname, 'name', o.opcname) end,
        'collation', case when r.rngcollation <> s.typcollation then jsonb_build_object('schema', cn.nspname, 'name', l.collname) end,
        'functions', jsonb_build_object('canonical', nullif(r.rngcanonical::oid, 0)::regproc, 'difference', nullif(r.rngsubdiff::oid, 0)::regproc))
      from pg_catalog.pg_range r join pg_catalog.pg_type m on m.oid = r.rngmultitypid join pg_catalog.pg_namespace mn on mn.oid = m.typnamespace
      join pg_catalog.pg_opclass o on o.oid = r.rngsubopc join pg_catalog.pg_namespace op on op.oid = o.opcnamespace
      join pg_catalog.pg_type s on s.oid = r.rngsubtype left join pg_catalog.pg_collation l on l.oid = r.rngcollation
      left join pg_catalog.pg_namespace cn on cn.oid = l.collnamespace where r.rngtypid = t.oid)
    else jsonb_build_object('attributes', (
      select coalesce(jsonb_agg(jsonb_build_object('number', a.attnum, 'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) order by a.attnum), '[]')
      from pg_catalog.pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped)) end
  from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace left join pg_catalog.pg_class c on c.oid = t.typrelid
  where t.oid = $1 and (t.typtype in ('e', 'd', 'r') or (t.typtype = 'c' and c.relkind = 'c')) and n.nspname !~ '^(pg_|(information_schema|rowcast)$)'
    and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_type'::regclass and d.objid = t.oid and d.deptype = 'e')
$rowcast$;
${describeMoreSql(PINS)}
create function rowcast.describe(class_id oid, object_id oid) returns jsonb language sql stable ${PINS} as $rowcast$
  select case class_id
    when 'pg_catalog.pg_class'::regclass then coalesce(rowcast.describe_table(object_id), rowcast.describe_view(object_id), rowcast.describe_sequence(object_id))
    when 'pg_catalog.pg_proc'::regclass then rowcast.describe_routine(object_id)
    when 'pg_catalog.pg_type'::regclass then rowcast.describe_type(object_id)
    when 'pg_catalog.pg_namespace'::regclass then (
      select jsonb_build_object('kind', 'schema', 'oid', n.oid::int8, 'name', n.nspname, 'comment', obj_description(n.oid, 'pg_namespace')) from pg_catalog.pg_namespace n
      where n.oid = object_id and n.nspname !~ '^(pg_|(information_schema|rowcast)$)') end
$rowcast$;
-- The ids by which a drop is recognised as one of this object: its constraints and indexes.
create function rowcast.parts_of(state jsonb) returns oid[] language sql stable ${PINS} as $rowcast$
  select array(select (part ->> 'oid')::oid from jsonb_array_elements(
    coalesce(state -> 'constraints', '[]') || coalesce(state -> 'indexes', '[]') || coalesce(state -> 'checks', '[]')) part)
$rowcast$;
`;
}
