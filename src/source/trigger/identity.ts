import type pg from 'pg';
import { postgresError } from '../../postgres/errors.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import type { SourceIdentity } from '../source.ts';
import { parsePosition } from './position.ts';

/** The server as it is now, asked without the right to replicate; and how far its WAL is. */
export interface ServerNow {
  readonly system: string;
  readonly timeline: number;
  readonly walLsn: number;
}

/** Asks the server who it is. Throws OperatorError on a standby, where nothing can be written down. */
export async function askServer(client: pg.ClientBase): Promise<ServerNow> {
  try {
    const sql = /* sql */ `select (select s.system_identifier::text from pg_catalog.pg_control_system() s) as system,
      pg_catalog.pg_current_wal_insert_lsn()::text as lsn,
      substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8) as timeline`;
    const row = (await client.query<{ system: string; lsn: string; timeline: string }>(sql)).rows[0];
    if (row === undefined) throw new Error('The server did not say who it is');
    return { system: row.system, timeline: Number.parseInt(row.timeline, 16), walLsn: parseLsn(row.lsn) };
  } catch (error) {
    throw postgresError(error, 'Cannot identify the server');
  }
}

/**
 * True when `position` was reached on the history of this server, told by `branch`: where a timeline branched off an older one, undefined when that
 * cannot be told.
 */
export async function descends(
  now: ServerNow,
  before: Pick<SourceIdentity, 'system' | 'timeline'>,
  position: string,
  branch: (timeline: number, ancestor: number) => Promise<number | undefined>,
): Promise<boolean> {
  const lsn = parsePosition(position)?.lsn;
  if (lsn === undefined || before.system !== now.system || before.timeline > now.timeline) return false;
  if (now.walLsn < lsn) return false; // files that were put back from a copy
  if (before.timeline === now.timeline) return true;
  const branched = await branch(now.timeline, before.timeline);
  return branched !== undefined && branched >= lsn;
}
