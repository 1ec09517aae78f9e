import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { OperatorError, PositionLostError, RefusedError, TransientError } from '../../errors.ts';
import { postgresError, sqlState } from '../../postgres/errors.ts';
import { quoteIdentifier } from '../../postgres/identifier.ts';
import { parseLsn } from '../../postgres/lsn.ts';

/** A replication slot as the server shows it. */
export interface Slot {
  readonly confirmedLsn: number;
  /** The walsender that holds it. */
  readonly activePid: number | undefined;
}

/** A slot that was just made, and the snapshot that shows exactly what is before its first change. */
export interface CreatedSlot {
  readonly consistentLsn: number;
  /** Can be imported until the creating connection does something else. */
  readonly snapshot: string;
}

const DROP_ATTEMPTS = 100;
const DROP_DELAY_MS = 100;

/** Looks the slot up; undefined when there is none. Throws OperatorError when it cannot serve: lost, or not ours in kind. */
export async function lookUpSlot(client: pg.ClientBase, name: string): Promise<Slot | undefined> {
  try {
    const result = await client.query<SlotRow>(
      /* sql */ `select plugin, slot_type, database, active_pid, confirmed_flush_lsn::text, wal_status, current_database()
        from pg_catalog.pg_replication_slots where slot_name = $1`,
      [name],
    );
    const row = result.rows[0];
    return row && check(name, row);
  } catch (error) {
    throw postgresError(error, `Cannot look up slot "${name}"`);
  }
}

/** Whether a slot of this name exists that was not invalidated. */
export async function slotExists(client: pg.ClientBase, name: string): Promise<boolean> {
  try {
    const sql = /* sql */ `select 1 from pg_catalog.pg_replication_slots where slot_name = $1 and wal_status is distinct from 'lost'`;
    return (await client.query(sql, [name])).rows.length > 0;
  } catch (error) {
    throw postgresError(error, `Cannot look up slot "${name}"`);
  }
}

/** Throws TransientError on a standby: only when it is promoted it shows whether a slot that it lacks was lost. */
export async function refuseStandby(client: pg.ClientBase, name: string): Promise<void> {
  let isStandby: boolean | undefined;
  try {
    const sql = /* sql */ `select pg_catalog.pg_is_in_recovery() as "isStandby"`;
    isStandby = (await client.query<{ isStandby: boolean }>(sql)).rows[0]?.isStandby;
  } catch (error) {
    throw postgresError(error, 'Cannot look up whether the server is a standby');
  }
  if (isStandby !== true) return;
  throw new TransientError(`The server is a standby, and does not have slot "${name}"`, {
    advice: 'Set database.hostname and database.port to the primary, or promote this server: it is looked at again.',
  });
}

/** What a server says of a slot, whatever its state, and how it stands to the end of WAL. */
export interface SlotReport {
  /** Undefined while it is being created, or when it is not a logical slot. */
  readonly confirmedLsn: number | undefined;
  /** Oldest WAL that the server keeps for it; undefined when it keeps none. */
  readonly restartLsn: number | undefined;
  readonly retainedBytes: number | undefined;
  readonly activePid: number | undefined;
  /** `reserved`, `extended`, `unreserved` or `lost`. */
  readonly walStatus: string | undefined;
}

/** Looks at a slot for a person; undefined when there is none. */
export async function reportSlot(client: pg.ClientBase, name: string): Promise<SlotReport | undefined> {
  try {
    const { rows } = await client.query<SlotReportRow>(
      /* sql */ `select active_pid, confirmed_flush_lsn::text as confirmed, restart_lsn::text as restart, wal_status,
          (case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
            else pg_catalog.pg_current_wal_lsn() end - restart_lsn)::text as retained
        from pg_catalog.pg_replication_slots where slot_name = $1`,
      [name],
    );
    const row = rows[0];
    if (!row) return undefined;
    return {
      confirmedLsn: row.confirmed === null ? undefined : parseLsn(row.confirmed),
      restartLsn: row.restart === null ? undefined : parseLsn(row.restart),
      retainedBytes: row.retained === null ? undefined : Number(row.retained),
      activePid: row.active_pid ?? undefined,
      walStatus: row.wal_status ?? undefined,
    };
  } catch (error) {
    throw postgresError(error, `Cannot look up slot "${name}"`);
  }
}

/** Creates the slot on a replication connection, which waits for all transactions that are running to end. */
export async function createSlot(walsender: pg.ClientBase, name: string): Promise<CreatedSlot> {
  return await create(walsender, name, '');
}

/** Creates a slot that the server drops with the connection: only its snapshot is wanted, and the point that it is of. */
export async function createTemporarySlot(walsender: pg.ClientBase): Promise<CreatedSlot> {
  const { processID } = walsender as pg.ClientBase & { readonly processID: number };
  return await create(walsender, `rowcast_copy_${processID}`, ' TEMPORARY');
}

/** Process ids of the server that hold such slots in this database. */
export async function temporarySlotHolders(client: pg.ClientBase): Promise<number[]> {
  try {
    const { rows } = await client.query<{ pid: number }>(
      /* sql */ `select active_pid as pid from pg_catalog.pg_replication_slots
        where temporary and active_pid is not null and slot_name like 'rowcast\\_copy\\_%' and database = pg_catalog.current_database()`,
    );
    return rows.map(({ pid }) => pid);
  } catch (error) {
    throw postgresError(error, 'Cannot look up temporary slots');
  }
}

async function create(walsender: pg.ClientBase, name: string, kind: '' | ' TEMPORARY'): Promise<CreatedSlot> {
  try {
    // This older form of the options is understood by every version.
    const result = await walsender.query<{ consistent_point: string; snapshot_name: string }>(
      `CREATE_REPLICATION_SLOT ${quoteIdentifier(name)}${kind} LOGICAL pgoutput EXPORT_SNAPSHOT`,
    );
    const row = result.rows[0];
    if (!row) throw new Error('CREATE_REPLICATION_SLOT answered nothing');
    return { consistentLsn: parseLsn(row.consistent_point), snapshot: row.snapshot_name };
  } catch (error) {
    throw postgresError(error, `Cannot create slot "${name}"`);
  }
}

/** Drops the slot if it exists; waits for the walsender of a stream that was just closed. */
export async function dropSlot(client: pg.ClientBase, name: string, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query(
        /* sql */ `select pg_catalog.pg_drop_replication_slot(slot_name) from pg_catalog.pg_replication_slots where slot_name = $1`,
        [name],
      );
      return;
    } catch (error) {
      if (sqlState(error) === '42704') return; // dropped by somebody else meanwhile
      if (sqlState(error) !== '55006' || attempt === DROP_ATTEMPTS)
        throw postgresError(error, `Cannot drop slot "${name}"`);
      await sleep(DROP_DELAY_MS, undefined, { signal });
    }
  }
}

/** Says who holds the slot. */
export function slotBusy(name: string, pid: number | undefined): TransientError {
  return new RefusedError(
    `Slot "${name}" is held by another connection${pid === undefined ? '' : ` (process ${pid} of the server)`}`,
    {
      advice: 'Another process uses this slot: stop it, or set another slot.name.',
    },
  );
}

interface SlotReportRow {
  readonly active_pid: number | null;
  readonly confirmed: string | null;
  readonly restart: string | null;
  readonly retained: string | null;
  readonly wal_status: string | null;
}

interface SlotRow {
  readonly plugin: string | null;
  readonly slot_type: string;
  readonly database: string | null;
  readonly active_pid: number | null;
  readonly confirmed_flush_lsn: string | null;
  readonly wal_status: string | null;
  readonly current_database: string;
}

function check(name: string, row: SlotRow): Slot {
  if (row.wal_status === 'lost') {
    throw new PositionLostError(`Slot "${name}" was invalidated: the server has removed WAL that it still needed`, {
      advice: 'Raise max_slot_wal_keep_size, drop the slot, and make a new replica by a snapshot.',
    });
  }
  if (row.slot_type !== 'logical' || row.plugin !== 'pgoutput' || row.database !== row.current_database) {
    throw new OperatorError(`Slot "${name}" is not a pgoutput slot of database "${row.current_database}"`, {
      advice: 'Set another slot.name.',
    });
  }
  if (row.confirmed_flush_lsn === null) throw new TransientError(`Slot "${name}" is still being created`);
  return { confirmedLsn: parseLsn(row.confirmed_flush_lsn), activePid: row.active_pid ?? undefined };
}
