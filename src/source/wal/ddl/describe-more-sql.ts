/**
 * The functions that describe what is neither table nor type, as JSON; null for what is not followed. `pins` holds in each of them
 * (describe-sql.ts).
 */
export function describeMoreSql(pins: string): string {
  return /* sql */ `create function rowcast.is_followed(class_id oid, object_id oid, namespace oid) returns boolean language sql stable ${pins} as $rowcast$
  select n.nspname !~ '^(pg_|(information_schema|rowcast)$)' and not exists (
      select from pg_catalog.pg_depend d where d.classid = class_id and d.objid = object_id and d.deptype = 'e')
    from pg_catalog.pg_namespace n where n.oid = namespace
$rowcast$;
create function rowcast.describe_view(oid) returns jsonb language sql stable ${pins} as $rowcast$
  select jsonb_build_object('kind', 'view', 'oid', c.oid::int8, 'namespace', c.relnamespace::int8, 'schema', n.nspname, 'name', c.relname,
    'isMaterialized', c.relkind = 'm', 'isFilled', c.relispopulated, 'definition', pg_get_viewdef(c.oid), 'options', c.reloptions,
    'comment', obj_description(c.oid, 'pg_class'), 'indexes', (
      select coalesce(jsonb_agg(jsonb_build_object('oid', i.indexrelid::int8, 'name', x.relname, 'definition', pg_get_indexdef(i.indexrelid)) order by x.oid), '[]')
      from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid where i.indrelid = c.oid and i.indisvalid))
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.oid = $1 and c.relkind in ('v', 'm') and c.relpersistence <> 't' and rowcast.is_followed('pg_catalog.pg_class'::regclass, c.oid, n.oid)
$rowcast$;
create function rowcast.describe_routine(oid) returns jsonb language sql stable ${pins} as $rowcast$
  select jsonb_build_object('kind', 'routine', 'oid', p.oid::int8, 'namespace', p.pronamespace::int8, 'schema', n.nspname, 'name', p.proname,
    'isProcedure', p.prokind = 'p', 'arguments', pg_get_function_identity_arguments(p.oid), 'definition', pg_get_functiondef(p.oid),
    'comment', obj_description(p.oid, 'pg_proc'))
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where p.oid = $1 and p.prokind in ('f', 'p') and rowcast.is_followed('pg_catalog.pg_proc'::regclass, p.oid, n.oid)
$rowcast$;
create function rowcast.describe_sequence(oid) returns jsonb language sql stable ${pins} as $rowcast$
  select jsonb_build_object('kind', 'sequence', 'oid', c.oid::int8, 'namespace', c.relnamespace::int8, 'schema', n.nspname, 'name', c.relname,
    'type', format_type(s.seqtypid, null), 'start', s.seqstart::text, 'increment', s.seqincrement::text, 'min', s.seqmin::text, 'max', s.seqmax::text,
    'cache', s.seqcache::text, 'cycles', s.seqcycle, 'comment', obj_description(c.oid, 'pg_class'), 'columns', (
      select coalesce(jsonb_agg(jsonb_build_object('schema', un.nspname, 'table', u.relname, 'column', a.attname,
          'draws', case when a.attidentity <> '' then a.attidentity::text else 'n' end,
          'isOwner', d.deptype = 'a') order by un.nspname, u.relname, a.attnum), '[]')
      from pg_catalog.pg_depend d join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
      join pg_catalog.pg_class u on u.oid = a.attrelid join pg_catalog.pg_namespace un on un.oid = u.relnamespace
      where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.refclassid = 'pg_catalog.pg_class'::regclass and d.deptype in ('a', 'i')))
  from pg_catalog.pg_sequence s join pg_catalog.pg_class c on c.oid = s.seqrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.oid = $1 and c.relpersistence = 'p' and rowcast.is_followed('pg_catalog.pg_class'::regclass, c.oid, n.oid)
$rowcast$;
`;
}
