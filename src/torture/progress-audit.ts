import type pg from 'pg';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import { connect } from '../postgres/connect.ts';

/** Notes every change of the progress row, with the transaction that makes it; made as soon as the sink has made the row's table. */
export const PROGRESS_AUDIT = /* sql */ `
  create table torture.progress_audit (
    id bigserial primary key, xid bigint not null, epoch bigint not null, checkpoint bigint, consistent boolean not null);
  create function torture.note_progress() returns trigger language plpgsql as $$
    begin
      insert into torture.progress_audit (xid, epoch, checkpoint, consistent)
        values (pg_current_xact_id()::text::bigint, new.epoch, new.checkpoint_offset, coalesce((new.state ->> 'consistent')::boolean, false));
      return null;
    end $$;
  create function torture.watch_progress() returns event_trigger language plpgsql as $$
    begin
      if not exists (select from pg_event_trigger_ddl_commands() where object_identity = 'rowcast.progress') then return; end if;
      create trigger torture_progress after insert or update on rowcast.progress for each row execute function torture.note_progress();
      alter table rowcast.progress enable always trigger torture_progress;
    end $$;
  create event trigger torture_progress on ddl_command_end when tag in ('CREATE TABLE') execute function torture.watch_progress();
  alter event trigger torture_progress enable always;`;

/** What the changes of the progress row say; all of it must be 0. */
export interface ProgressAudit {
  /** Transactions of an owner that another one had replaced by then. */
  readonly ofReplaced: number;
  /** Transactions that did not take progress further, though they stored some. */
  readonly notFurther: number;
  /** Transactions with rows of a consistent replica and without progress: not one source transaction is told by them. */
  readonly without: number;
}

/** Reads what was noted. */
export async function readProgressAudit(replica: pg.ClientBase): Promise<ProgressAudit> {
  const { rows } = await replica.query<Record<keyof ProgressAudit, string>>(AUDIT);
  const { ofReplaced, notFurther, without } = rows[0] as (typeof rows)[number];
  return { ofReplaced: Number(ofReplaced), notFurther: Number(notFurther), without: Number(without) };
}

/** A claim has the checkpoint of before and a new epoch. */
const AUDIT = /* sql */ `
  with noted as (
    select *, lag(checkpoint) over (order by id) as before, lag(epoch) over (order by id) as owner,
      max(epoch) over (order by id rows between unbounded preceding and 1 preceding) as newest
    from torture.progress_audit)
  select count(*) filter (where epoch < newest)::text as "ofReplaced",
    count(*) filter (where epoch = owner and checkpoint is not null and checkpoint <= before)::text as "notFurther",
    (select count(distinct a.xid) from torture.audit a where a.streamed and not exists (
      select from torture.progress_audit p where p.xid = a.xid))::text as without
  from noted`;

/** In words, what a replica's progress has done that it must not. */
export async function judgeProgress(replica: ConnectionSettings): Promise<string[]> {
  const client = await connect(replica, 'torture judge');
  try {
    const { ofReplaced, notFurther, without } = await readProgressAudit(client);
    return [
      ...(ofReplaced > 0 ? [`${ofReplaced} target transactions of an owner that was replaced`] : []),
      ...(notFurther > 0 ? [`${notFurther} target transactions that brought progress no further`] : []),
      ...(without > 0 ? [`${without} target transactions with rows and without progress`] : []),
    ];
  } finally {
    await client.end();
  }
}
