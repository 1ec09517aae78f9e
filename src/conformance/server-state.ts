import type pg from 'pg';
import { APPLICATION } from './scratch-database.ts';

const USER_SCHEMAS = /* sql */ `n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_toast%' and n.nspname not like 'pg\\_temp%'`;

const LEFT = /* sql */ `
  select 'slot ' || slot_name from pg_replication_slots where database = current_database()
  union all select 'publication ' || pubname from pg_publication
  union all select 'subscription ' || subname from pg_subscription s join pg_database d on d.oid = s.subdbid where d.datname = current_database()
  union all select 'event trigger ' || evtname from pg_event_trigger
  union all select 'extension ' || extname from pg_extension
  union all select 'trigger ' || tgname || ' on ' || tgrelid::regclass || ' ' || tgenabled::text from pg_trigger where not tgisinternal
  union all select 'rule ' || rulename || ' on ' || ev_class::regclass from pg_rewrite r join pg_class c on c.oid = r.ev_class
    join pg_namespace n on n.oid = c.relnamespace where ${USER_SCHEMAS}
  union all select 'policy ' || polname || ' on ' || polrelid::regclass from pg_policy
  union all select 'schema ' || nspname || ' ' || coalesce(nspacl::text, '') from pg_namespace n where ${USER_SCHEMAS}
  union all select 'relation ' || n.nspname || '.' || relname || ' ' || relkind::text || relreplident::text || ' ' || coalesce(relacl::text, '') || ' '
    || coalesce(reloptions::text, '') || ' ' || (select string_agg(attname, ',' order by attnum) from pg_attribute where attrelid = c.oid and attnum > 0)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${USER_SCHEMAS}
  union all select 'function ' || p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${USER_SCHEMAS}
  union all select 'type ' || t.oid::regtype from pg_type t join pg_namespace n on n.oid = t.typnamespace where ${USER_SCHEMAS}
  union all select 'setting ' || coalesce(setrole::regrole::text, '') || ' ' || setconfig::text from pg_db_role_setting s
    join pg_database d on d.oid = s.setdatabase where d.datname = current_database()
  union all select 'prepared transaction ' || gid from pg_prepared_xacts where database = current_database()
  union all select 'large object ' || oid from pg_largeobject_metadata
  order by 1`;

const SESSIONS = /* sql */ `
  select 'session ' || coalesce(a.application_name, '') || ' ' || coalesce(a.state, '') from pg_stat_activity a
    where a.datname = current_database() and a.application_name <> '${APPLICATION}' and a.backend_type in ('client backend', 'walsender')
  union all select 'advisory lock of process ' || l.pid from pg_locks l join pg_database d on d.oid = l.database
    where l.locktype = 'advisory' and d.datname = current_database()
  union all select 'slot ' || slot_name || ' in use' from pg_replication_slots where database = current_database() and active
  order by 1`;

/** Everything that people or sources have made in a database, a line each. */
export async function serverState(client: pg.Client): Promise<readonly string[]> {
  return await lines(client, LEFT);
}

/** Sessions of others in the database, and what they hold. */
export async function sessionsLeft(client: pg.Client): Promise<readonly string[]> {
  return await lines(client, SESSIONS);
}

async function lines(client: pg.Client, sql: string): Promise<readonly string[]> {
  const { rows } = await client.query<[string]>({ text: sql, rowMode: 'array' });
  return rows.map(([line]) => line);
}
