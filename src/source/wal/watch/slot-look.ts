import type pg from 'pg';
import { postgresError } from '../../../postgres/errors.ts';
import { parseLsn } from '../../../postgres/lsn.ts';

/** One look at a slot, and at what on its server holds it back. LSNs are numbers. */
export interface SlotLook {
  /** Where the server's WAL ended. */
  readonly walEnd: number;
  /** The next transaction id, epoch included: how many have begun so far. */
  readonly nextXid: number;
  /** Undefined: there is no slot of this name. */
  readonly slot: WatchedSlot | undefined;
  /** The oldest transaction that runs on the server and has written something; it keeps every slot where it began. */
  readonly running: RunningTransaction | undefined;
  /** The oldest prepared transaction. */
  readonly prepared: PreparedTransaction | undefined;
}

/** A replication slot; what the server does not tell is undefined. */
export interface WatchedSlot {
  /** Oldest WAL that is kept for it. */
  readonly restartLsn: number | undefined;
  /** Everything before it was acknowledged. */
  readonly confirmedLsn: number | undefined;
  readonly walStatus: 'reserved' | 'extended' | 'unreserved' | 'lost' | undefined;
  /** How much more may be written before the server gives it up; undefined when the server keeps everything. */
  readonly safeWalBytes: number | undefined;
  /** Why the server has invalidated it; since version 17. */
  readonly invalidation: string | undefined;
  /** The process of the server that sends to whoever reads it. */
  readonly pid: number | undefined;
  /** What that process waits for (`WalSenderWriteData`, …). */
  readonly waitEvent: string | undefined;
  /** Transactions that began since the one whose view of the catalog the slot keeps. */
  readonly catalogXminAge: number | undefined;
}

export interface RunningTransaction {
  readonly pid: number;
  /** Undefined where the role may not see it. */
  readonly seconds: number | undefined;
}

export interface PreparedTransaction {
  readonly gid: string;
  readonly database: string;
  readonly seconds: number;
}

/** Looks at the slot in one statement, so that it is one state. Throws TransientError or OperatorError. */
export async function lookAtSlot(client: pg.ClientBase, name: string): Promise<SlotLook> {
  try {
    const { rows } = await client.query<{ look: RawLook }>(LOOK, [name]);
    return read((rows[0] as { look: RawLook }).look);
  } catch (error) {
    throw postgresError(error, `Cannot look at slot "${name}"`);
  }
}

interface RawLook {
  readonly walEnd: string;
  readonly nextXid: string;
  readonly slot: {
    readonly restart: string | null;
    readonly confirmed: string | null;
    readonly walStatus: string | null;
    readonly safe: number | null;
    readonly invalidation: string | null;
    readonly pid: number | null;
    readonly waitEvent: string | null;
    readonly catalogXminAge: number | null;
  } | null;
  readonly running: { readonly pid: number; readonly seconds: number | null } | null;
  readonly prepared: PreparedTransaction | null;
}

/**
 * Who runs a transaction is seen by its lock on its own id, which is shown to everybody; since when, only to some. As JSON, because
 * invalidation_reason is a column of later versions only.
 */
const LOOK = /* sql */ `
  select json_build_object(
    'walEnd', (case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn() else pg_catalog.pg_current_wal_lsn() end)::text,
    'nextXid', pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text,
    'slot', (select json_build_object('restart', s.restart_lsn::text, 'confirmed', s.confirmed_flush_lsn::text, 'walStatus', s.wal_status,
        'safe', s.safe_wal_size, 'invalidation', to_jsonb(s) ->> 'invalidation_reason', 'pid', s.active_pid, 'waitEvent', a.wait_event,
        'catalogXminAge', pg_catalog.age(s.catalog_xmin))
      from pg_catalog.pg_replication_slots s left join pg_catalog.pg_stat_activity a on a.pid = s.active_pid where s.slot_name = $1),
    'running', (select json_build_object('pid', l.pid, 'seconds', extract(epoch from now() - a.xact_start)::int)
      from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted
      order by pg_catalog.age(l.transactionid) desc limit 1),
    'prepared', (select json_build_object('gid', gid, 'database', database, 'seconds', extract(epoch from now() - prepared)::int)
      from pg_catalog.pg_prepared_xacts order by prepared limit 1)
  ) as look`;

function read({ walEnd, nextXid, slot, running, prepared }: RawLook): SlotLook {
  return {
    walEnd: parseLsn(walEnd),
    nextXid: Number(nextXid),
    slot: slot === null ? undefined : readSlot(slot),
    running: running === null ? undefined : { pid: running.pid, seconds: running.seconds ?? undefined },
    prepared: prepared ?? undefined,
  };
}

function readSlot(slot: NonNullable<RawLook['slot']>): WatchedSlot {
  return {
    restartLsn: slot.restart === null ? undefined : parseLsn(slot.restart),
    confirmedLsn: slot.confirmed === null ? undefined : parseLsn(slot.confirmed),
    walStatus: (slot.walStatus as WatchedSlot['walStatus'] | null) ?? undefined,
    safeWalBytes: slot.safe ?? undefined,
    invalidation: slot.invalidation ?? undefined,
    pid: slot.pid ?? undefined,
    waitEvent: slot.waitEvent ?? undefined,
    catalogXminAge: slot.catalogXminAge ?? undefined,
  };
}
