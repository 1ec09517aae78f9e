/** A setting that a role or a database may carry, with the versions that know it. */
export interface HostileSetting {
  readonly sql: string;
  readonly since?: number;
  readonly until?: number;
}

/** What an administrator, an application or somebody ill-disposed may have set: for values, for statements, for time, for plans. */
export const HOSTILE_SETTINGS: readonly HostileSetting[] = [
  `DateStyle = 'SQL, DMY'`,
  `IntervalStyle = 'sql_standard'`,
  `TimeZone = 'Asia/Kathmandu'`,
  `timezone_abbreviations = 'India'`,
  `extra_float_digits = -15`,
  `bytea_output = 'escape'`,
  `lc_monetary = 'C.utf8'`,
  `client_encoding = 'LATIN1'`,
  `xmloption = 'document'`,
  `xmlbinary = 'hex'`,
  `array_nulls = off`,
  `quote_all_identifiers = on`,
  `standard_conforming_strings = off`,
  `backslash_quote = on`,
  `transform_null_equals = on`,
  `search_path = evil, pg_catalog, public`,
  `row_security = on`,
  `session_replication_role = 'replica'`,
  `default_transaction_read_only = on`,
  `default_transaction_isolation = 'serializable'`,
  `default_transaction_deferrable = on`,
  `exit_on_error = on`,
  `statement_timeout = '50ms'`,
  `lock_timeout = '1ms'`,
  `idle_session_timeout = '50ms'`,
  `idle_in_transaction_session_timeout = '50ms'`,
  { sql: `transaction_timeout = '200ms'`, since: 17 },
  `wal_sender_timeout = '3s'`,
  `logical_decoding_work_mem = '64kB'`,
  `client_min_messages = 'debug1'`,
  `synchronous_commit = off`,
  `work_mem = '64kB'`,
  `maintenance_work_mem = '1MB'`,
  `temp_buffers = '800kB'`,
  `max_parallel_workers_per_gather = 4`,
  `min_parallel_table_scan_size = 0`,
  `parallel_setup_cost = 0`,
  `parallel_tuple_cost = 0`,
  { sql: `force_parallel_mode = on`, until: 15 },
  { sql: `debug_parallel_query = on`, since: 16 },
  `jit = on`,
  `jit_above_cost = 0`,
  `plan_cache_mode = 'force_generic_plan'`,
  `enable_seqscan = off`,
  `enable_hashjoin = off`,
  `enable_indexscan = off`,
  `default_text_search_config = 'pg_catalog.simple'`,
  `check_function_bodies = off`,
  `vacuum_cost_delay = 100`,
].map((setting) => (typeof setting === 'string' ? { sql: setting } : setting));

/**
 * Shadows Postgres: a schema `evil` that stands before pg_catalog, with a function of every name and arguments, an operator of every kind
 * and a type of every name. Whoever calls one of them by an unqualified name runs into an error that says so.
 */
export const SHADOW = /* sql */ `
  create schema evil;
  create function evil.trap() returns boolean language plpgsql as $f$ begin raise exception 'evil code ran as %', current_user; end $f$;
  do $do$
  declare
    each record;
    body constant text := 'language plpgsql as $f$ begin raise exception ''evil code ran as %'', current_user; end $f$';
  begin
    set local check_function_bodies = off;
    for each in select p.oid, p.proname as name, p.proretset as many, format_type(p.prorettype, null) as result,
        (select string_agg(format_type(a.type, null), ', ' order by a.n) from unnest(p.proargtypes) with ordinality a (type, n)) as arguments
      from pg_catalog.pg_proc p where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'f' and p.provariadic = 0
    loop
      begin
        execute format('create function evil.%I(%s) returns %s %s %s', each.name, each.arguments,
          case when each.many then 'setof' else '' end, each.result, body);
      exception when others then null; -- arguments that only functions in C take
      end;
    end loop;
    for each in select o.oid, o.oprname as name, format_type(o.oprleft, null) as l, format_type(o.oprright, null) as r,
        format_type(o.oprresult, null) as result
      from pg_catalog.pg_operator o where o.oprleft <> 0 and o.oprright <> 0
    loop
      begin
        execute format('create function evil.operator_%s(%s, %s) returns %s %s', each.oid, each.l, each.r, each.result, body);
        execute format('create operator evil.%s (function = evil.operator_%s, leftarg = %s, rightarg = %s)', each.name, each.oid, each.l, each.r);
      exception when others then null; -- as above
      end;
    end loop;
    for each in select t.typname as name from pg_catalog.pg_type t
      where t.typnamespace = 'pg_catalog'::regnamespace and t.typtype = 'b' and t.typelem = 0
    loop
      execute format('create domain evil.%I as pg_catalog.%I check (evil.trap())', each.name, each.name);
    end loop;
  end $do$`;
