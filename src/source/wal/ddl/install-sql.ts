import { RELATION } from '../../../postgres/catalog.ts';
import { quoteIdentifier, quoteLiteral } from '../../../postgres/identifier.ts';
import { describeObjectsSql, PINS } from './describe-sql.ts';

/** Statements whose effects are followed; drops of every kind are, too. */
const TAGS = [
  'CREATE TABLE',
  'CREATE TABLE AS',
  'SELECT INTO',
  'ALTER TABLE',
  'CREATE INDEX',
  'ALTER INDEX',
  'CREATE SCHEMA',
  'ALTER SCHEMA',
  'CREATE TYPE',
  'ALTER TYPE',
  'CREATE DOMAIN',
  'ALTER DOMAIN',
];

/** The settings that the text of a value, or what a name means, depends on. */
const SESSION = ['search_path', 'TimeZone', 'DateStyle', 'IntervalStyle', 'lc_monetary', 'bytea_output', 'xmloption'];

/**
 * The script that sets up DDL replication in a source database; a superuser runs it. It can be run again: rows and publications stay.
 * `roles` are those that connectors connect as.
 */
export function installSql(roles: readonly string[]): string {
  const settings = ['extra_float_digits', ...SESSION]
    .map((name) => `${quoteLiteral(name)}, pg_catalog.current_setting(${quoteLiteral(name)})`)
    .join(', ');
  const to = roles.map(quoteIdentifier).join(', ');
  return /* sql */ `begin;
${DROP_CODE}
drop table if exists rowcast.ddl_state;
create schema if not exists rowcast;
${OWN_SCHEMA}

-- What was done: one row per statement, read by Rowcast from the WAL in its place between the rows.
create table if not exists rowcast.ddl (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  actor name not null default session_user,
  tag text not null,
  command text,
  body jsonb not null
);
-- What each object looked like after the last statement that touched it.
create table rowcast.ddl_state (class_id oid, object_id oid, parts oid[] not null, state jsonb not null, is_rewritten boolean not null default false,
  is_published boolean not null default false,
  primary key (class_id, object_id));
-- The publications of connectors, and which new tables they take: lists of regular expressions.
create table if not exists rowcast.ddl_capture (publication name primary key, lists jsonb not null);
revoke all on rowcast.ddl, rowcast.ddl_state, rowcast.ddl_capture from public;

${describeObjectsSql(RELATION)}
${LOCK_VALUES}
${RECORD}
-- Called by the event triggers only. Every name is qualified: the session's search_path, which it records, holds here.
create function rowcast.record_ddl() returns event_trigger language plpgsql security definer as $rowcast$
begin
  perform rowcast.record_objects(tg_event, tg_tag, pg_catalog.jsonb_build_object(${settings}));
end $rowcast$;

-- Values of columns were converted (4): perhaps without a new type to show for it.
create function rowcast.record_rewrite() returns event_trigger language plpgsql security definer ${PINS} as $rowcast$
begin
  if pg_catalog.pg_event_trigger_table_rewrite_reason() & 4 = 4 then
    update rowcast.ddl_state s set is_rewritten = true
      where s.class_id = 'pg_catalog.pg_class'::regclass and s.object_id = pg_catalog.pg_event_trigger_table_rewrite_oid();
  end if;
end $rowcast$;

${PUBLISH}
revoke all on all functions in schema rowcast from public;
grant usage on schema rowcast to ${to};
grant select on rowcast.ddl to ${to};
grant execute on function rowcast.publish_ddl(name, jsonb), rowcast.published_tables(), rowcast.unpublish_ddl(name) to ${to};

insert into rowcast.ddl_state (class_id, object_id, parts, state)
  select o.class_id, o.object_id, rowcast.parts_of(o.state), o.state from (
    select 'pg_catalog.pg_class'::regclass::oid, c.oid, rowcast.describe('pg_catalog.pg_class'::regclass, c.oid) from pg_catalog.pg_class c where c.relkind in ('r', 'p')
    union all select 'pg_catalog.pg_type'::regclass::oid, t.oid, rowcast.describe('pg_catalog.pg_type'::regclass, t.oid) from pg_catalog.pg_type t where t.typtype in ('e', 'd', 'c')
    union all select 'pg_catalog.pg_namespace'::regclass::oid, n.oid, rowcast.describe('pg_catalog.pg_namespace'::regclass, n.oid) from pg_catalog.pg_namespace n
  ) o (class_id, object_id, state) where o.state is not null;

create event trigger rowcast_ddl on ddl_command_end when tag in (${TAGS.map(quoteLiteral).join(', ')})
  execute function rowcast.record_ddl();
create event trigger rowcast_ddl_drop on sql_drop execute function rowcast.record_ddl();
create event trigger rowcast_ddl_rewrite on table_rewrite execute function rowcast.record_rewrite();
alter event trigger rowcast_ddl enable always;
alter event trigger rowcast_ddl_rewrite enable always;
alter event trigger rowcast_ddl_drop enable always;
commit;
`;
}

/** The script that takes everything of DDL replication away again; schema `rowcast` stays when something else is in it. */
export function uninstallSql(): string {
  return /* sql */ `begin;
${DROP_CODE}
drop table if exists rowcast.ddl, rowcast.ddl_state, rowcast.ddl_capture;
do $rowcast$ begin
  if not exists (select from pg_catalog.pg_depend d where d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
      and d.refobjid = (select oid from pg_catalog.pg_namespace where nspname = 'rowcast')) then
    drop schema if exists rowcast;
  end if;
end $rowcast$;
commit;
`;
}

/** Whoever may create functions in the schema could put them in the place of ours, which run with a superuser's rights. */
const OWN_SCHEMA = /* sql */ `do $rowcast$ declare owner name := (select pg_catalog.pg_get_userbyid(nspowner) from pg_catalog.pg_namespace where nspname = 'rowcast');
begin
  if owner <> current_user then
    execute pg_catalog.format('alter schema rowcast owner to %I', current_user);
    execute pg_catalog.format('grant usage on schema rowcast to %I', owner);
  end if;
  if exists (select from pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a
      where n.nspname = 'rowcast' and a.privilege_type = 'CREATE' and a.grantee <> n.nspowner) then
    raise exception 'others may create objects in schema rowcast: revoke create on schema rowcast from them';
  end if;
  if exists (select from pg_catalog.pg_proc p where p.pronamespace = 'rowcast'::pg_catalog.regnamespace and pg_catalog.pg_get_userbyid(p.proowner) <> current_user) then
    raise exception 'schema rowcast has functions of somebody else: drop them';
  end if;
end $rowcast$;`;

const DROP_CODE = /* sql */ `drop event trigger if exists rowcast_ddl;
drop event trigger if exists rowcast_ddl_drop;
drop event trigger if exists rowcast_ddl_rewrite;
drop function if exists rowcast.record_ddl(), rowcast.record_rewrite(), rowcast.record_objects(text, text, jsonb), rowcast.describe(oid, oid), rowcast.describe_table(oid),
  rowcast.describe_type(oid), rowcast.describe_relation(oid), rowcast.parts_of(jsonb), rowcast.lock_values(oid, jsonb, jsonb), rowcast.takes(jsonb, text, text),
  rowcast.publish_ddl(name, jsonb), rowcast.published_tables(), rowcast.unpublish_ddl(name);`;

/**
 * A label that is renamed, or an attribute that is added, changes the text of values in tables that the statement does not lock: rows of a
 * transaction that commits behind it, but wrote before it, would come with texts that the type has no more. So it waits for such transactions.
 */
const LOCK_VALUES = /* sql */ `create function rowcast.lock_values(type_id oid, old jsonb, new jsonb) returns void language plpgsql set search_path = '' as $rowcast$
declare
  holder regclass;
begin
  if old is null or new is null or (old -> 'attributes' is not distinct from new -> 'attributes' and not exists (
      select from jsonb_array_elements(old -> 'labels') a join jsonb_array_elements(new -> 'labels') b on a -> 'oid' = b -> 'oid' and a <> b)) then
    return;
  end if;
  for holder in
    with recursive types as (
      select type_id as id
      union
      select y.oid from types t, pg_catalog.pg_type y
      where y.typelem = t.id or y.typbasetype = t.id
        or exists (select from pg_catalog.pg_attribute a where y.typtype = 'c' and a.attrelid = y.typrelid and a.atttypid = t.id and not a.attisdropped)
        or exists (select from pg_catalog.pg_range r where t.id = r.rngsubtype and y.oid = r.rngtypid)
    )
    select distinct c.oid from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
      where a.atttypid in (select id from types) and not a.attisdropped and c.relkind in ('r', 'p') and c.relpersistence = 'p'
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
const RECORD = /* sql */ `create function rowcast.record_objects(event text, tag text, session jsonb) returns void language plpgsql
  ${PINS} as $rowcast$
declare
  touched record;
  old jsonb;
  new jsonb;
  changes jsonb := '[]';
  filled boolean;
  rewritten boolean;
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
        (select classid, objid, row_number() over () as n from pg_catalog.pg_event_trigger_dropped_objects() where event = 'sql_drop') d
        join rowcast.ddl_state s on (s.class_id = d.classid and s.object_id = d.objid) or d.objid = any (s.parts)
    ), family as (
      select class_id, object_id, n from whole
      union
      select f.class_id, h.inhrelid, f.n from family f join pg_catalog.pg_inherits h
        on f.class_id = 'pg_catalog.pg_class'::regclass and h.inhparent = f.object_id
    ), more as (
      select f.class_id, f.object_id, f.n, 0 as later from family f
      union all -- partitions that were detached, and what is in a schema
      select s.class_id, s.object_id, f.n, 1 from family f join rowcast.ddl_state s
        on (f.class_id = 'pg_catalog.pg_class'::regclass and (s.state #>> '{partition,parent}')::oid = f.object_id)
        or (f.class_id = 'pg_catalog.pg_namespace'::regclass and tag = 'ALTER SCHEMA' and (s.state ->> 'namespace')::oid = f.object_id)
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
    continue when old is not distinct from new and not rewritten;
    perform rowcast.lock_values(touched.object_id, old, new);
    filled := false;
    if new ->> 'kind' = 'table' and (old is null or (old -> 'partition' = 'null' and new -> 'partition' <> 'null')) then
      execute format('select exists (select from %s)', touched.object_id::regclass) into filled;
    end if;
    changes := changes || jsonb_build_array(jsonb_build_object('before', old, 'after', new, 'hasRows', filled, 'isRewritten', rewritten));
    delete from rowcast.ddl_state s where new is null and s.class_id = touched.class_id and s.object_id = touched.object_id;
    insert into rowcast.ddl_state (class_id, object_id, parts, state)
      select touched.class_id, touched.object_id, rowcast.parts_of(new), new where new is not null
      on conflict (class_id, object_id) do update set parts = excluded.parts, state = excluded.state;
  end loop;
  update rowcast.ddl_state s set is_rewritten = false where s.is_rewritten and event = 'ddl_command_end';
  if changes = '[]' then return; end if;
  insert into rowcast.ddl (tag, command, body) values (tag, case when tag = 'ALTER TABLE' then current_query() end,
    jsonb_build_object('format', 1, 'session', session, 'actor', session_user, 'changes', changes));
  delete from rowcast.ddl d where d.at < now() - interval '30 days';
  if event <> 'ddl_command_end' or tag not in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE SCHEMA') then return; end if;
  for capture in
    select p.pubname, n.nspname, c.relname, c.relkind, c.oid
    from jsonb_array_elements(changes) change
    join pg_catalog.pg_class c on c.oid = (change #>> '{after,oid}')::oid and c.relpersistence = 'p' and not c.relispartition
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join rowcast.ddl_capture t on rowcast.takes(t.lists, n.nspname, c.relname)
    join pg_catalog.pg_publication p on p.pubname = t.publication and not p.puballtables
    where change #>> '{after,kind}' = 'table' and change -> 'before' = 'null' and change -> 'hasRows' = 'false'
      and not exists (select from pg_catalog.pg_publication_rel r where r.prpubid = p.oid and r.prrelid = c.oid)
  loop
    execute format('alter publication %I add table %s%I.%I', capture.pubname, case when capture.relkind = 'p' then '' else 'only ' end,
      capture.nspname, capture.relname);
    update rowcast.ddl_state s set is_published = true where s.class_id = 'pg_catalog.pg_class'::regclass and s.object_id = capture.oid;
  end loop;
end $rowcast$;
`;

/** What a connector's role may call: it says which new tables its own publication takes. */
const PUBLISH = /* sql */ `create function rowcast.takes(lists jsonb, schema_name text, table_name text) returns boolean language sql stable ${PINS} as $rowcast$
  select schema_name !~ '^(pg_|(information_schema|rowcast)$)' and bool_and(
    (jsonb_array_length(l.list -> 'include') = 0 or exists (select from jsonb_array_elements_text(l.list -> 'include') e where l.name ~* ('^(?:' || e || ')$')))
    and not exists (select from jsonb_array_elements_text(l.list -> 'exclude') e where l.name ~* ('^(?:' || e || ')$')))
  from (values (lists -> 'schema', schema_name), (lists -> 'table', schema_name || '.' || table_name)) l (list, name)
$rowcast$;
create function rowcast.publish_ddl(publication name, lists jsonb) returns void language plpgsql security definer ${PINS} as $rowcast$
declare
  found_publication oid := (select p.oid from pg_catalog.pg_publication p where p.pubname = publication and pg_has_role(session_user, p.pubowner, 'usage'));
begin
  if found_publication is null then raise insufficient_privilege using message = format('publication %I is not yours', publication); end if;
  perform rowcast.takes(lists, 'some', 'table'); -- an expression that is none must not fail in somebody's CREATE TABLE
  insert into rowcast.ddl_capture values (publication, lists) on conflict on constraint ddl_capture_pkey do update set lists = excluded.lists;
  if not exists (select from pg_catalog.pg_publication p where p.oid = found_publication and p.puballtables)
    and not exists (select from pg_catalog.pg_publication_rel r where r.prpubid = found_publication and r.prrelid = 'rowcast.ddl'::regclass) then
    execute format('alter publication %I add table only rowcast.ddl', publication);
  end if;
end $rowcast$;
-- Tables that are published from their first row on.
create function rowcast.published_tables() returns setof int8 language sql stable security definer ${PINS} as $rowcast$
  select s.object_id::int8 from rowcast.ddl_state s where s.is_published
$rowcast$;
create function rowcast.unpublish_ddl(publication name) returns void language sql security definer ${PINS} as $rowcast$
  delete from rowcast.ddl_capture c where c.publication = unpublish_ddl.publication
    and not exists (select from pg_catalog.pg_publication p where p.pubname = c.publication and not pg_has_role(session_user, p.pubowner, 'usage'))
$rowcast$;
`;
