import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import { connect } from '../postgres/connect.ts';
import { PROGRESS_AUDIT } from './progress-audit.ts';

/**
 * What the replica has before the sink's first transaction: the ledger, without any unique key, so that a row applied twice stays
 * to be seen; and an audit that the sink cannot switch off (ENABLE ALWAYS fires under session_replication_role = replica too).
 *
 * `torture.audit` has one row per change of the ledger, and one per statement on any other table, with how many rows it added; of a truncate, what it took. `streamed`
 * is false while the first copy is not finished. The other tables are the sink's to create: an event trigger adds
 * their audit, but for those that are dropped and emptied now and then.
 */
const REPLICA_SCHEMA = /* sql */ `
  create table public.ledger (txn_no bigint not null, changes integer not null, rows_added integer not null);
  create index on public.ledger (txn_no);
  create schema torture;
  create table torture.audit (
    id bigserial primary key, xid bigint not null, relation name not null, op text not null, streamed boolean not null,
    txn_no bigint, changes bigint, rows_added bigint);

  create function torture.note(relation name, op text, txn_no bigint, changes bigint, rows_added bigint) returns void language plpgsql as $$
    begin
      insert into torture.audit (xid, relation, op, streamed, txn_no, changes, rows_added)
      select pg_current_xact_id()::text::bigint, note.relation, note.op,
        coalesce((select bool_or((p.state ->> 'consistent')::boolean) from rowcast.progress p), false), note.txn_no, note.changes, note.rows_added;
    end $$;

  create function torture.note_ledger() returns trigger language plpgsql as $$
    declare r record;
    begin
      if tg_op = 'DELETE' then r := old; else r := new; end if;
      perform torture.note(tg_table_name, lower(tg_op), r.txn_no, r.changes::bigint, r.rows_added::bigint);
      return null;
    end $$;
  create function torture.note_statement() returns trigger language plpgsql as $$
    declare n bigint := 0;
    begin
      select count(*) into n from changed;
      perform torture.note(tg_table_name, lower(tg_op), null, n, case tg_op when 'INSERT' then n when 'DELETE' then -n else 0 end);
      return null;
    end $$;
  create function torture.note_truncate() returns trigger language plpgsql as $$
    declare n bigint := 0;
    begin
      execute format('select count(*) from %I.%I', tg_table_schema, tg_table_name) into n;
      perform torture.note(tg_table_name, lower(tg_op), null, n, -n);
      return null;
    end $$;
  create function torture.note_truncated_ledger() returns trigger language plpgsql as $$
    begin
      perform torture.note('ledger', 'truncate', null, (select count(*) from public.ledger), (select coalesce(sum(rows_added), 0) from public.ledger));
      return null;
    end $$;

  create trigger torture_row after insert or update or delete on public.ledger for each row execute function torture.note_ledger();
  create trigger torture_truncate before truncate on public.ledger for each statement execute function torture.note_truncated_ledger();
  alter table public.ledger enable always trigger torture_row;
  alter table public.ledger enable always trigger torture_truncate;

  create function torture.watch_table() returns event_trigger language plpgsql as $$
    declare created text;
    begin
      for created in select object_identity from pg_event_trigger_ddl_commands() where object_type = 'table' and schema_name = 'public'
          and object_identity !~ '^public\\.(shape_|designs|drafts)' loop
        execute format('create trigger torture_insert after insert on %1$s referencing new table as changed for each statement execute function torture.note_statement()', created);
        execute format('create trigger torture_update after update on %1$s referencing new table as changed for each statement execute function torture.note_statement()', created);
        execute format('create trigger torture_delete after delete on %1$s referencing old table as changed for each statement execute function torture.note_statement()', created);
        execute format('create trigger torture_truncate before truncate on %1$s for each statement execute function torture.note_truncate()', created);
        execute format('alter table %1$s enable always trigger torture_insert, enable always trigger torture_update,
          enable always trigger torture_delete, enable always trigger torture_truncate', created);
      end loop;
    end $$;
  create event trigger torture_watch on ddl_command_end when tag in ('CREATE TABLE') execute function torture.watch_table();
  alter event trigger torture_watch enable always;`;

/** Puts the ledger and the audit into the replica's empty database. */
export async function prepareReplica(replica: ConnectionSettings): Promise<void> {
  const client = await connect(replica, 'torture judge');
  try {
    await client.query(REPLICA_SCHEMA);
    await client.query(PROGRESS_AUDIT);
  } finally {
    await client.end();
  }
}
