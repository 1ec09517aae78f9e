import { RELATION } from '../../../postgres/catalog.ts';
import { quoteIdentifier, quoteLiteral } from '../../../postgres/identifier.ts';
import { PINS } from '../../../postgres/function-pins.ts';
import { describeObjectsSql } from './describe-sql.ts';
import { LOCK_VALUES, PASSED, RECORD } from './record-sql.ts';

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
  'CREATE SEQUENCE',
  'ALTER SEQUENCE',
  'CREATE VIEW',
  'ALTER VIEW',
  'CREATE MATERIALIZED VIEW',
  'ALTER MATERIALIZED VIEW',
  'REFRESH MATERIALIZED VIEW',
  'CREATE FUNCTION',
  'ALTER FUNCTION',
  'CREATE PROCEDURE',
  'ALTER PROCEDURE',
  'COMMENT',
];

/** The settings that the text of a value, or what a name means, depends on. */
const SESSION = [
  'search_path',
  'TimeZone',
  'DateStyle',
  'IntervalStyle',
  'lc_monetary',
  'bytea_output',
  'xmloption',
  'standard_conforming_strings',
];

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
set local search_path = pg_catalog, pg_temp;
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
  is_published boolean not null default false, namespace oid, parent oid,
  primary key (class_id, object_id));
-- The publications of connectors, and which new tables they take: lists of regular expressions.
create table if not exists rowcast.ddl_capture (publication name primary key, lists jsonb not null);
${OWN_TABLES}
${ORIGIN}
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

insert into rowcast.ddl_state (class_id, object_id, parts, state, namespace, parent)
  select o.class_id, o.object_id, rowcast.parts_of(o.state), o.state, (o.state ->> 'namespace')::oid, (o.state #>> '{partition,parent}')::oid from (
    select 'pg_catalog.pg_class'::regclass::oid, c.oid, rowcast.describe('pg_catalog.pg_class'::regclass, c.oid) from pg_catalog.pg_class c where c.relkind in ('r', 'p', 'v', 'm', 'S')
    union all select 'pg_catalog.pg_type'::regclass::oid, t.oid, rowcast.describe('pg_catalog.pg_type'::regclass, t.oid) from pg_catalog.pg_type t where t.typtype in ('e', 'd', 'c', 'r')
    union all select 'pg_catalog.pg_proc'::regclass::oid, p.oid, rowcast.describe('pg_catalog.pg_proc'::regclass, p.oid) from pg_catalog.pg_proc p where p.prokind in ('f', 'p') and p.pronamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    union all select 'pg_catalog.pg_namespace'::regclass::oid, n.oid, rowcast.describe('pg_catalog.pg_namespace'::regclass, n.oid) from pg_catalog.pg_namespace n
  ) o (class_id, object_id, state) where o.state is not null;

create event trigger rowcast_ddl on ddl_command_end when tag in (${[...TAGS, ...PASSED].map(quoteLiteral).join(', ')})
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
    raise object_not_in_prerequisite_state using message = 'others may create objects in schema rowcast: revoke create on schema rowcast from them';
  end if;
  if exists (select from pg_catalog.pg_proc p where p.pronamespace = 'rowcast'::pg_catalog.regnamespace and pg_catalog.pg_get_userbyid(p.proowner) <> current_user) then
    raise object_not_in_prerequisite_state using message = 'schema rowcast has functions of somebody else: drop them';
  end if;
end $rowcast$;`;

/** Who has made the tables beforehand could have put triggers on them, or read what is written: they must be those of a superuser. */
const OWN_TABLES = /* sql */ `do $rowcast$ declare found record;
begin
  for found in select c.oid, c.relname, c.relkind, r.rolname, r.rolsuper from pg_catalog.pg_class c join pg_catalog.pg_roles r on r.oid = c.relowner
      where c.relnamespace = 'rowcast'::pg_catalog.regnamespace and c.relname in ('ddl', 'ddl_state', 'ddl_capture') loop
    if found.relkind <> 'r' or (found.rolname <> current_user and not found.rolsuper)
      or exists (select from pg_catalog.pg_trigger t where t.tgrelid = found.oid and not t.tgisinternal)
      or exists (select from pg_catalog.pg_rewrite w where w.ev_class = found.oid)
      or exists (select from pg_catalog.pg_inherits i where i.inhrelid = found.oid or i.inhparent = found.oid) then
      raise object_not_in_prerequisite_state
        using message = pg_catalog.format('rowcast.%s is not what was installed, or belongs to somebody else: drop it', found.relname);
    end if;
    if found.rolname <> current_user then execute pg_catalog.format('alter table rowcast.%I owner to %I', found.relname, current_user); end if;
  end loop;
end $rowcast$;`;

/** Object ids in the states mean this database in this system; a dump has the comment as it was, and gives the table another id. */
const ORIGIN = /* sql */ `do $rowcast$ begin
  execute pg_catalog.format('comment on table rowcast.ddl_state is %L', 'rowcast '
    || (select s.system_identifier from pg_catalog.pg_control_system() s) || '/' || 'rowcast.ddl_state'::pg_catalog.regclass::pg_catalog.oid);
end $rowcast$;`;

const DROP_CODE = /* sql */ `drop event trigger if exists rowcast_ddl;
drop event trigger if exists rowcast_ddl_drop;
drop event trigger if exists rowcast_ddl_rewrite;
drop function if exists rowcast.record_ddl(), rowcast.record_rewrite(), rowcast.record_objects(text, text, jsonb), rowcast.describe(oid, oid), rowcast.describe_table(oid),
  rowcast.describe_view(oid), rowcast.describe_routine(oid), rowcast.describe_sequence(oid), rowcast.is_followed(oid, oid, oid), rowcast.describe_type(oid), rowcast.describe_relation(oid), rowcast.parts_of(jsonb), rowcast.lock_values(oid, jsonb, jsonb), rowcast.takes(jsonb, text, text),
  rowcast.publish_ddl(name, jsonb), rowcast.published_tables(), rowcast.unpublish_ddl(name);`;

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
  perform rowcast.takes(lists, 'some', 'table'); -- lists of another shape, and expressions that are none, must not fail in somebody's CREATE TABLE
  perform count('' ~* ('^(?:' || e || ')$')) from jsonb_each(lists) kind, jsonb_each(kind.value) list, jsonb_array_elements_text(list.value) e;
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
