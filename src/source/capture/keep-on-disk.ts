import type pg from 'pg';
import { postgresError } from '../../postgres/errors.ts';

/**
 * SQL: where the WAL ends of all that a snapshot taken before shows, and of every transaction that was over by then. NULL on a standby, which only
 * replays what its primary has on disk.
 */
export const WAL_WRITTEN: string = /* sql */ `case when not pg_catalog.pg_is_in_recovery() then pg_catalog.pg_current_wal_insert_lsn() end::text`;

/**
 * Makes sure that a crash of the server takes back nothing of what stands in the WAL below `lsn`. Snapshots show more than is on disk: commits with
 * synchronous_commit = off, and ids of transactions that were rolled back or have subtransactions, which the server gives to others after a crash. What
 * those write would count as seen. The WAL nearly always is on disk by then; else an empty message is written behind it, which any role may do.
 */
export async function keepOnDisk(client: pg.ClientBase, lsn: string | null): Promise<void> {
  if (lsn === null) return;
  try {
    const sql = /* sql */ `select pg_catalog.pg_current_wal_flush_lsn() >= $1::pg_lsn as "isOnDisk"`;
    const { rows } = await client.query<{ isOnDisk: boolean }>(sql, [lsn]);
    if (rows[0]?.isOnDisk === true) return;
    await client.query(FLUSH);
  } catch (error) {
    throw postgresError(error, 'Cannot have the server write its WAL to disk');
  }
}

const FLUSH = /* sql */ `begin; set local synchronous_commit = local;
  select pg_catalog.pg_logical_emit_message(true, 'rowcast', ''::text); commit`;
