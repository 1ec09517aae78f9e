import { RELATION } from '../../postgres/catalog.ts';
import { PINS } from '../../postgres/function-pins.ts';
import { quoteIdentifier, quoteLiteral } from '../../postgres/identifier.ts';
import { keepSql } from './keep-sql.ts';
import { type TriggerNames, triggerNames } from './names.ts';

/**
 * The script that makes what triggers write into; the triggers themselves are `triggerSql`. It can be run again: what was captured stays, unless it is
 * of another database (a restored one). `roles` are those that connectors connect as; they get rights to read and to consume, no others do.
 */
export function installSql(name: string, roles: readonly string[]): string {
  const names = triggerNames(name);
  return /* sql */ `begin;
set local search_path = pg_catalog, pg_temp;
do $rowcast$ begin
  if not exists (select from pg_catalog.pg_namespace where nspname = 'rowcast') then create schema rowcast; end if;
end $rowcast$;
${ownObjects(name)}

-- What was captured and is not consumed yet. Nobody has to have any right on it: the function of the triggers writes.
create table if not exists ${names.events} (
  id bigint generated always as identity (cache 1) primary key,
  xid xid8 not null default pg_current_xact_id(),
  at timestamptz not null default clock_timestamp(),
  relation oid not null,
  shape integer not null,
  op "char" not null,
  file oid,
  old_at tid,
  new_at tid,
  old text,
  new text
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 10000, autovacuum_analyze_threshold = 10000);
-- What tables looked like; an event names its shape.
create table if not exists ${names.shapes} (
  id integer generated always as identity primary key,
  relation oid not null,
  schema name not null,
  name name not null,
  versions xid[] not null,
  columns name[] not null,
  facts json not null,
  root json
);
create index if not exists ${quoteIdentifier(`shapes_${name}_relation`)} on ${names.shapes} (relation, id);
-- How far the source has come; no row: there is none yet.
create table if not exists ${names.reader} (
  is_only boolean primary key default true check (is_only),
  position text not null
);
revoke all on ${names.events}, ${names.shapes}, ${names.reader} from public;
${keepSql(names)}
${markOrigin(names)}

${functions(names)}
${grants(names, roles)}
commit;
`;
}

/** The script that takes the triggers of this name away, and all that belongs to them; schema `rowcast` stays when something else is in it. */
export function uninstallSql(name: string): string {
  const { events, kept, shapes, reader, capture, captureParts, shapeOf, relation, keep } = triggerNames(name);
  return /* sql */ `begin;
set local search_path = pg_catalog, pg_temp;
${dropTriggersSql(name)}
drop function if exists ${capture}(), ${captureParts}(), ${shapeOf}(oid, name, name), ${relation}(oid), ${keep}(pg_snapshot, bigint, integer);
drop table if exists ${events}, ${kept}, ${shapes}, ${reader};
do $rowcast$ begin
  if not exists (select from pg_catalog.pg_depend d where d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
      and d.refobjid = (select oid from pg_catalog.pg_namespace where nspname = 'rowcast')) and exists (
      select from pg_catalog.pg_namespace n where n.nspname = 'rowcast' and pg_catalog.pg_has_role(n.nspowner, 'usage')) then
    drop schema if exists rowcast;
  end if;
end $rowcast$;
commit;
`;
}

/** Drops the triggers wherever they are; those of partitions go with that of their table, but for truncation. */
function dropTriggersSql(name: string): string {
  const { rowTrigger, truncateTrigger, partTrigger } = triggerNames(name);
  const all = [rowTrigger, truncateTrigger, partTrigger].map(quoteLiteral).join(', ');
  return /* sql */ `do $rowcast$ declare found record;
begin
  for found in select n.nspname, c.relname, t.tgname from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace where t.tgname in (${all}) and not t.tgisinternal and t.tgparentid = 0 loop
    execute pg_catalog.format('drop trigger if exists %I on %I.%I', found.tgname, found.nspname, found.relname);
  end loop;
end $rowcast$;`;
}

/** What somebody else has made beforehand could have triggers or rules of his, which would run with our rights (Invariant 11). */
function ownObjects(name: string): string {
  const tables = ['events', 'kept', 'shapes', 'reader'].map((part) => quoteLiteral(`${part}_${name}`)).join(', ');
  return /* sql */ `do $rowcast$ declare found record;
begin
  for found in select c.oid, c.relname, c.relkind, r.rolname, r.rolsuper from pg_catalog.pg_class c join pg_catalog.pg_roles r on r.oid = c.relowner
      where c.relnamespace = 'rowcast'::pg_catalog.regnamespace and c.relname in (${tables}) loop
    if found.relkind <> (case when found.relname like 'kept%' then 'p' else 'r' end) or (found.rolname <> current_user and not found.rolsuper)
      or exists (select from pg_catalog.pg_trigger t where t.tgrelid = found.oid and not t.tgisinternal)
      or exists (select from pg_catalog.pg_rewrite w where w.ev_class = found.oid) then
      raise object_not_in_prerequisite_state
        using message = pg_catalog.format('rowcast.%s is not what was installed, or belongs to somebody else: drop it', found.relname);
    end if;
  end loop;
end $rowcast$;`;
}

/** Ids of tables and transactions mean this database in this system: a dump has the comment as it was, and gives the table another id. */
function markOrigin({ events, kept, shapes, reader }: TriggerNames): string {
  const table = `${quoteLiteral(events)}::pg_catalog.regclass`;
  return /* sql */ `do $rowcast$
declare origin text := (select 'rowcast ' || s.system_identifier from pg_catalog.pg_control_system() s) || '/' || ${table}::pg_catalog.oid;
begin
  if pg_catalog.obj_description(${table}, 'pg_class') is distinct from origin then
    truncate ${events}, ${kept}, ${shapes}, ${reader};
    execute pg_catalog.format('comment on table ${events} is %L', origin);
  end if;
end $rowcast$;`;
}

function functions(names: TriggerNames): string {
  const { events, shapes, capture, captureParts, shapeOf, relation, channel, sleepLock } = names;
  return /* sql */ `create or replace function ${relation}(oid) returns json language sql stable ${PINS} as $rowcast$${RELATION}
$rowcast$;
-- The table looks as it did not before: says how.
create or replace function ${shapeOf}(table_id oid, table_schema name, table_name name) returns integer language sql volatile ${PINS} as $rowcast$
  insert into ${shapes} (relation, schema, name, versions, columns, facts, root)
  select table_id, table_schema, table_name,
    (select array_agg(a.xmin order by a.attnum) from pg_catalog.pg_attribute a where a.attrelid = table_id and a.attnum > 0),
    array(select a.attname from pg_catalog.pg_attribute a where a.attrelid = table_id and a.attnum > 0 and not a.attisdropped order by a.attnum),
    ${relation}(table_id),
    (select json_build_object('relation', r.root::int8, 'facts', ${relation}(r.root))
      from (select pg_partition_root(c.oid)::oid as root from pg_catalog.pg_class c where c.oid = table_id and c.relispartition) r)
  returning id
$rowcast$;

create or replace function ${capture}() returns trigger language plpgsql security definer ${PINS} as $rowcast$
declare
  shape_id integer;
begin
  select s.id into shape_id from ${shapes} s
    where s.relation = tg_relid and s.name = tg_table_name and s.schema = tg_table_schema
      and not exists (select from pg_catalog.pg_attribute a where a.attrelid = tg_relid and a.attnum > 0 and a.xmin <> all (s.versions))
    order by s.id desc limit 1;
  if shape_id is null then shape_id := ${shapeOf}(tg_relid, tg_table_schema, tg_table_name); end if;
  if tg_op = 'UPDATE' then
    insert into ${events} (relation, shape, op, file, old_at, new_at, old, new)
      values (tg_relid, shape_id, 'u', pg_relation_filenode(tg_relid), old.ctid, new.ctid, old::text, new::text);
  elsif tg_op = 'INSERT' then
    insert into ${events} (relation, shape, op, file, new_at, new)
      values (tg_relid, shape_id, 'i', pg_relation_filenode(tg_relid), new.ctid, new::text);
  elsif tg_op = 'DELETE' then
    insert into ${events} (relation, shape, op, file, old_at, old)
      values (tg_relid, shape_id, 'd', pg_relation_filenode(tg_relid), old.ctid, old::text);
  else
    insert into ${events} (relation, shape, op) values (tg_relid, shape_id, 't');
  end if;
  -- A transaction that reads the catalog as it was before a change of the table cannot say what its rows look like.
  if current_setting('transaction_isolation') in ('repeatable read', 'serializable') and tg_op <> 'TRUNCATE' then
    if (select s.columns from ${shapes} s where s.id = shape_id) is distinct from
        array(select k::name from json_object_keys(case when tg_op = 'DELETE' then row_to_json(old) else row_to_json(new) end) k)
      or (select nullif(c.relfilenode, 0) from pg_catalog.pg_class c where c.oid = tg_relid) is distinct from pg_relation_filenode(tg_relid) then
      raise serialization_failure using message = format('could not serialize access: table %I.%I was altered meanwhile', tg_table_schema, tg_table_name);
    end if;
  end if;
  ${wakeSql(channel, sleepLock)}
  return null;
end $rowcast$;

-- A partition is truncated by itself: of the table above it, rows are deleted.
create or replace function ${captureParts}() returns trigger language plpgsql security definer ${PINS} as $rowcast$
declare
  shape_id integer;
  family oid[] := array(select relid from pg_partition_tree(pg_partition_root(tg_relid)));
begin
  shape_id := ${shapeOf}(tg_relid, tg_table_schema, tg_table_name);
  if (select e.op from ${events} e where e.xid = pg_current_xact_id() and e.relation = any (family) and e.op <> 'x'
      order by e.id desc limit 1) is distinct from 't' then
    execute format('insert into ${events} (relation, shape, op, old) select %s, %s, ''d'', row(x.*)::text from only %I.%I x',
      tg_relid, shape_id, tg_table_schema, tg_table_name);
  end if;
  -- From here on places in the file mean other rows.
  insert into ${events} (relation, shape, op) values (tg_relid, shape_id, 'x');
  ${wakeSql(channel, sleepLock)}
  return null;
end $rowcast$;
revoke all on function ${capture}(), ${captureParts}(), ${shapeOf}(oid, name, name), ${relation}(oid) from public;`;
}

/**
 * Wakes the source if it sleeps: it holds a lock then. A transaction that got the lock keeps the source from falling asleep until it has ended, so
 * that nothing waits for the next poll. Where transactions can be prepared, none may notify.
 */
function wakeSql(channel: string, sleepLock: string): string {
  return /* sql */ `if not pg_try_advisory_xact_lock_shared(${sleepLock}) and current_setting('max_prepared_transactions') = '0' then
    perform pg_notify(${quoteLiteral(channel)}, '');
  end if;`;
}

function grants({ events, kept, keep, shapes, reader }: TriggerNames, roles: readonly string[]): string {
  if (roles.length === 0) return '';
  const to = roles.map(quoteIdentifier).join(', ');
  return /* sql */ `grant usage on schema rowcast to ${to};
grant select, delete on ${events} to ${to};
grant select on ${shapes}, ${kept} to ${to};
grant execute on function ${keep}(pg_snapshot, bigint, integer) to ${to};
grant select, insert, update, delete on ${reader} to ${to};`;
}
