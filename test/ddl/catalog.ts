import type pg from 'pg';

/** Everything that the catalog says of the objects in the users' schemas, one line each, in words. */
export async function catalogOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ line: string }>(CATALOG);
  return rows.map(({ line }) => line);
}

/**
 * The session's search_path is empty, so every name is qualified. Left out is what differs by design: identity columns are "by default" on a
 * replica (docs/ddl.md), and where sequences stand.
 */
const CATALOG = /* sql */ `
  with users as (select oid, nspname from pg_namespace where nspname !~ '^(pg_|information_schema$|rowcast$)'),
  tables as (select c.* , c.oid::regclass::text as name from pg_class c join users u on u.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition)
  select 'schema ' || quote_ident(nspname) as line from users
  union all select 'table ' || t.name || coalesce(' with ' || (select array_agg(o order by o)::text from unnest(t.reloptions) o), '')
      || ' identity ' || t.relreplident::text || coalesce(' comment ' || obj_description(t.oid, 'pg_class'), '') from tables t
  union all select 'comment ' || t.name || '.' || quote_ident(a.attname) || ' ' || col_description(t.oid, a.attnum)
    from tables t join pg_attribute a on a.attrelid = t.oid where col_description(t.oid, a.attnum) is not null
  union all select 'comment of ' || coalesce(y.oid::regtype::text, quote_ident(u.nspname)) || ' ' || d.description from pg_description d
    left join (pg_type y join users yu on yu.oid = y.typnamespace) on d.classoid = 'pg_type'::regclass and d.objoid = y.oid
    left join users u on d.classoid = 'pg_namespace'::regclass and d.objoid = u.oid where coalesce(y.oid, u.oid) is not null and u.nspname is distinct from 'public'
  union all select 'sequence ' || s.seqrelid::regclass || format(' %s %s %s %s %s %s %s', s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle)
      || coalesce(' owned by ' || d.refobjid::regclass || '.' || d.refobjsubid, '') || coalesce(' comment ' || obj_description(c.oid, 'pg_class'), '')
    from pg_sequence s join pg_class c on c.oid = s.seqrelid join users u on u.oid = c.relnamespace
      left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i')
  union all select case c.relkind when 'v' then 'view ' else 'materialized view ' || c.relispopulated || ' ' end || c.oid::regclass || coalesce(' with ' || c.reloptions::text, '')
      || pg_get_viewdef(c.oid) || coalesce(' comment ' || obj_description(c.oid, 'pg_class'), '')
    from pg_class c join users u on u.oid = c.relnamespace where c.relkind in ('v', 'm')
  union all select 'function ' || pg_get_functiondef(p.oid) || coalesce(' comment ' || obj_description(p.oid, 'pg_proc'), '')
    from pg_proc p join users u on u.oid = p.pronamespace where p.prokind in ('f', 'p')
      and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype in ('e', 'i'))
  union all select 'range ' || r.rngtypid::regtype || ' of ' || r.rngsubtype::regtype || ' ' || r.rngmultitypid::regtype || ' ' || r.rngsubdiff
    from pg_range r join pg_type y on y.oid = r.rngtypid join users u on u.oid = y.typnamespace
  union all select 'column ' || t.name || '.' || quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
      || case when a.attcollation <> y.typcollation then ' collate ' || a.attcollation::regcollation else '' end
      || case when a.attnotnull then ' not null' else '' end || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
      || case when a.attgenerated <> '' then ' generated' when a.attidentity <> '' then ' identity' else '' end
    from tables t join pg_attribute a on a.attrelid = t.oid join pg_type y on y.oid = a.atttypid
      left join pg_attrdef d on d.adrelid = t.oid and d.adnum = a.attnum
    where a.attnum > 0 and not a.attisdropped
  union all select 'constraint ' || quote_ident(conname) || ' of ' || t.name || ' ' || pg_get_constraintdef(k.oid) || case when convalidated then '' else ' not valid' end
    from tables t join pg_constraint k on k.conrelid = t.oid where contype <> 'n' and conparentid = 0
  union all select 'index ' || replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') from tables t join pg_index i on i.indrelid = t.oid where i.indisvalid
  union all select 'enum ' || y.oid::regtype || ' ' || array(select enumlabel from pg_enum where enumtypid = y.oid order by enumsortorder)::text
    from pg_type y join users u on u.oid = y.typnamespace where y.typtype = 'e'
  union all select 'domain ' || y.oid::regtype || ' ' || format_type(y.typbasetype, y.typtypmod) || case when y.typnotnull then ' not null ' else ' ' end
      || coalesce(y.typdefault, '') || array(select conname || ' ' || pg_get_constraintdef(k.oid) from pg_constraint k where k.contypid = y.oid and contype = 'c' order by 1)::text
    from pg_type y join users u on u.oid = y.typnamespace where y.typtype = 'd'
  union all select 'composite ' || y.oid::regtype || ' ' || array(select attname || ' ' || format_type(atttypid, atttypmod) from pg_attribute where attrelid = y.typrelid and not attisdropped order by attnum)::text
    from pg_type y join users u on u.oid = y.typnamespace join pg_class c on c.oid = y.typrelid and c.relkind = 'c'
  order by 1`;
