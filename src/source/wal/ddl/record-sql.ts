import { quoteLiteral } from '../../../postgres/identifier.ts';
import { PINS } from '../../../postgres/function-pins.ts';

/** Statements that nobody follows; that there was one is recorded, so that it can be told. */
export const PASSED: readonly string[] = [
  'CREATE TRIGGER',
  'ALTER TRIGGER',
  'CREATE RULE',
  'ALTER RULE',
  'CREATE POLICY',
  'ALTER POLICY',
  'CREATE EXTENSION',
  'ALTER EXTENSION',
  'CREATE STATISTICS',
  'ALTER STATISTICS',
  'CREATE AGGREGATE',
  'CREATE OPERATOR',
  'CREATE CAST',
  'CREATE COLLATION',
  'CREATE FOREIGN TABLE',
  'GRANT',
  'REVOKE',
  'ALTER DEFAULT PRIVILEGES',
];

/**
 * A label that is renamed, an attribute that is added, a schema with a new name: these change what rows look like of tables that the statement does
 * not lock. Rows of a transaction that wrote before it, and commits behind it, would come as they were: so it waits for such transactions.
 */
export const LOCK_VALUES: string = /* sql */ `create function rowcast.lock_values(object_id oid, old jsonb, new jsonb) returns void language plpgsql ${PINS} as $rowcast$
declare
  holder regclass;
begin
  if old is null or new is null then return; end if;
  if not ((new ->> 'kind' = 'schema' and old -> 'name' <> new -> 'name')
      or (new ->> 'kind' = 'composite' and old -> 'attributes' <> new -> 'attributes')
      or (new ->> 'kind' = 'enum' and exists (
        select from jsonb_array_elements(old -> 'labels') a join jsonb_array_elements(new -> 'labels') b on a -> 'oid' = b -> 'oid' and a <> b))) then
    return;
  end if;
  for holder in
    with recursive types as (
      select object_id as id
      union
      select y.oid from types t, pg_catalog.pg_type y
      where y.typelem = t.id or y.typbasetype = t.id
        or exists (select from pg_catalog.pg_attribute a where y.typtype = 'c' and a.attrelid = y.typrelid and a.atttypid = t.id and not a.attisdropped)
        or exists (select from pg_catalog.pg_range r where t.id = r.rngsubtype and y.oid = r.rngtypid)
    )
    select c.oid from pg_catalog.pg_class c
      where c.relkind in ('r', 'p') and c.relpersistence = 'p' and case when new ->> 'kind' = 'schema' then c.relnamespace = object_id
        else exists (select from pg_catalog.pg_attribute a where a.attrelid = c.oid and not a.attisdropped and a.atttypid in (select id from types)) end
      order by 1
  loop
    execute format('lock table %s in share mode', holder);
  end loop;
end $rowcast$;
`;

/**
 * Compares every object that a statement touched with what it was, stores the differences as one row of rowcast.ddl, and adds new tables to the
 * publications that take them, in the transaction that creates them: their first rows are published.
 */
export const RECORD: string = /* sql */ `create function rowcast.record_objects(event text, tag text, session jsonb) returns void language plpgsql
  ${PINS} as $rowcast$
declare
  touched record;
  old jsonb;
  new jsonb;
  changes jsonb[] := '{}';
  filled boolean;
  rewritten boolean;
  passed text;
  converted boolean := false;
  capture record;
begin
  for touched in
    with recursive told as (
      select d.classid as class_id, d.objid as object_id, row_number() over () as n
        from pg_catalog.pg_event_trigger_ddl_commands() d where event = 'ddl_command_end' and not d.in_extension
    ), whole as (
      select coalesce(case when c.relkind = 'c' then 'pg_catalog.pg_type'::regclass::oid end, case when k.contypid <> 0 then 'pg_catalog.pg_type'::regclass::oid
          when k.oid is not null or a.oid is not null then 'pg_catalog.pg_class'::regclass::oid end, t.class_id) as class_id,
        coalesce(i.indrelid, case when c.relkind = 'c' then c.reltype end, nullif(k.conrelid, 0), nullif(k.contypid, 0), a.adrelid, t.object_id) as object_id, n
      from told t
      left join pg_catalog.pg_class c on t.class_id = 'pg_catalog.pg_class'::regclass and c.oid = t.object_id
      left join pg_catalog.pg_index i on t.class_id = 'pg_catalog.pg_class'::regclass and i.indexrelid = t.object_id
      left join pg_catalog.pg_constraint k on t.class_id = 'pg_catalog.pg_constraint'::regclass and k.oid = t.object_id
      left join pg_catalog.pg_attrdef a on t.class_id = 'pg_catalog.pg_attrdef'::regclass and a.oid = t.object_id
      union all
      select s.class_id, s.object_id, d.n from
        (select classid, objid, original and object_type = 'index' as is_index, schema_name, object_name, row_number() over () as n
          from pg_catalog.pg_event_trigger_dropped_objects() where event = 'sql_drop') d
        join rowcast.ddl_state s on (s.class_id = d.classid and s.object_id = d.objid) or d.objid = any (s.parts)
          -- REINDEX CONCURRENTLY has given it another id.
          or (d.is_index and s.state #>> '{facts,schema}' = d.schema_name and s.state -> 'indexes' @> jsonb_build_array(jsonb_build_object('name', d.object_name)))
    ), family as (
      select class_id, object_id, n from whole
      union
      select f.class_id, h.inhrelid, f.n from family f join pg_catalog.pg_inherits h
        on f.class_id = 'pg_catalog.pg_class'::regclass and h.inhparent = f.object_id
    ), more as (
      select f.class_id, f.object_id, f.n, 0 as later from family f
      union all -- partitions that were detached, and what is in a schema
      select s.class_id, s.object_id, f.n, 1 from family f join rowcast.ddl_state s
        on (f.class_id = 'pg_catalog.pg_class'::regclass and s.parent = f.object_id)
        or (f.class_id = 'pg_catalog.pg_namespace'::regclass and tag = 'ALTER SCHEMA' and s.namespace = f.object_id)
    )
    select m.class_id, m.object_id from more m group by 1, 2 order by min(m.n), min(m.later), 2
  loop
    old := null;
    select s.state into old from rowcast.ddl_state s
      where s.class_id = touched.class_id and s.object_id = touched.object_id for update;
    new := rowcast.describe(touched.class_id, touched.object_id);
    select coalesce(bool_or(s.is_rewritten), false) into rewritten from rowcast.ddl_state s
      where touched.class_id = 'pg_catalog.pg_class'::regclass and s.class_id = touched.class_id
        and (s.object_id = touched.object_id or s.object_id in (select t.relid from pg_catalog.pg_partition_tree(touched.object_id) t));
    rewritten := rewritten or (tag = 'REFRESH MATERIALIZED VIEW' and new ->> 'kind' = 'view');
    continue when old is not distinct from new and not rewritten;
    perform rowcast.lock_values(touched.object_id, old, new);
    delete from rowcast.ddl_state s where new is null and s.class_id = touched.class_id and s.object_id = touched.object_id;
    insert into rowcast.ddl_state (class_id, object_id, parts, state, namespace, parent)
      select touched.class_id, touched.object_id, rowcast.parts_of(new), new, (new ->> 'namespace')::oid, (new #>> '{partition,parent}')::oid where new is not null
      on conflict (class_id, object_id) do update set parts = excluded.parts, state = excluded.state, namespace = excluded.namespace, parent = excluded.parent;
    -- Of a partition only its coming and going is of interest: there can be thousands.
    continue when old #> '{partition,parent}' = new #> '{partition,parent}';
    filled := new ->> 'kind' = 'table' and (old is null or (old -> 'partition' = 'null' and new -> 'partition' <> 'null'))
      and (pg_relation_size(touched.object_id) > 0
        or exists (select from pg_partition_tree(touched.object_id) t where pg_relation_size(t.relid) > 0));
    if filled and (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = current_user) then
      execute format('select exists (select from %s)', touched.object_id::regclass) into filled; -- not only what was deleted
    end if;
    converted := converted or rewritten or exists (
      select from jsonb_array_elements(old #> '{facts,columns}') a join jsonb_array_elements(new #> '{facts,columns}') b
        on a -> 'attnum' = b -> 'attnum' where a -> 'declared' <> b -> 'declared');
    changes := array_append(changes, jsonb_build_object('before', old, 'after', new, 'hasRows', coalesce(filled, false), 'isRewritten', rewritten,
      -- A partition that was detached is a captured table of its own from here on.
      'isKept', old -> 'partition' <> 'null' and new -> 'partition' = 'null' and (
        exists (select from rowcast.ddl_capture t where rowcast.takes(t.lists, new #>> '{facts,schema}', new #>> '{facts,name}'))
        or exists (select from pg_catalog.pg_publication_rel r where r.prrelid = touched.object_id))));
  end loop;
  update rowcast.ddl_state s set is_rewritten = false where s.is_rewritten and event = 'ddl_command_end';
  if tag in (${PASSED.map(quoteLiteral).join(', ')}) and event = 'ddl_command_end' then
    select min(coalesce(d.object_identity, d.object_type)) into passed from pg_catalog.pg_event_trigger_ddl_commands() d
      where not d.in_extension and d.schema_name is distinct from 'pg_temp' and d.schema_name is distinct from 'rowcast';
  end if;
  if cardinality(changes) = 0 and passed is null then return; end if;
  insert into rowcast.ddl (tag, command, body) values (tag,
    case when tag = 'ALTER TABLE' and converted and session ->> 'standard_conforming_strings' = 'on' then current_query() end,
    jsonb_build_object('format', 1, 'session', session, 'actor', session_user, 'changes', to_jsonb(changes), 'passed', passed));
  -- Nobody waits for somebody else who removes the same rows.
  delete from rowcast.ddl d where d.id in (select o.id from rowcast.ddl o
    where o.id < (select min(m.id) + 1000 from rowcast.ddl m) and o.at < now() - interval '30 days' for update skip locked);
  if event <> 'ddl_command_end' or tag not in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE SCHEMA', 'ALTER TABLE') then return; end if;
  for capture in
    select p.pubname, n.nspname, c.relname, c.relkind, c.oid
    from unnest(changes) change
    join pg_catalog.pg_class c on c.oid = (change #>> '{after,oid}')::oid and c.relpersistence = 'p' and not c.relispartition
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join rowcast.ddl_capture t on rowcast.takes(t.lists, n.nspname, c.relname)
    join pg_catalog.pg_publication p on p.pubname = t.publication and not p.puballtables
    where change #>> '{after,kind}' = 'table' and ((change -> 'before' = 'null' and change -> 'hasRows' = 'false') or change -> 'isKept' = 'true')
      and not exists (select from pg_catalog.pg_publication_rel r where r.prpubid = p.oid and r.prrelid = c.oid)
  loop
    begin
      execute format('alter publication %I add table %s%I.%I', capture.pubname, case when capture.relkind = 'p' then '' else 'only ' end,
        capture.nspname, capture.relname);
      update rowcast.ddl_state s set is_published = true where s.class_id = 'pg_catalog.pg_class'::regclass and s.object_id = capture.oid;
    exception when insufficient_privilege then -- whoever has set this up is no superuser: the statement is not to fail for that
      raise warning 'Rowcast cannot publish %.%: %', capture.nspname, capture.relname, sqlerrm using hint = 'The connector copies it when it is started again.';
    end;
  end loop;
end $rowcast$;
`;
