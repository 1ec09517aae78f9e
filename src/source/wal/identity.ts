import type pg from 'pg';
import { OperatorError } from '../../errors.ts';
import type { ConnectionSettings } from '../../postgres/connection-settings.ts';
import { postgresError, sqlState } from '../../postgres/errors.ts';
import type { Position } from '../../change/position.ts';
import { isLsnPosition, parseLsn, positionToLsn } from '../../postgres/lsn.ts';
import { branchPoint, onWalsender } from '../../postgres/timeline.ts';
import type { SourceIdentity } from '../source.ts';
import { otherPublication } from './publication.ts';

export type ServerIdentity = Pick<SourceIdentity, 'system' | 'timeline'>;

/** Asks the server who it is; needs the right to replicate, so that its lack shows before anything is created. */
export async function identifySystem(
  connection: ConnectionSettings,
  application: string,
  signal: AbortSignal,
): Promise<ServerIdentity> {
  return await onWalsender({ connection, application, signal }, 'Cannot identify the server', async (client) => {
    const { rows } = await client.query<{ systemid: string; timeline: number | string }>('IDENTIFY_SYSTEM');
    const row = rows[0];
    if (!row) throw new Error('IDENTIFY_SYSTEM answered nothing');
    return { system: row.systemid, timeline: Number(row.timeline) };
  });
}

/** A server as it is now, and the ways to ask it. */
export interface ServerNow {
  readonly client: pg.ClientBase;
  readonly connection: ConnectionSettings;
  readonly application: string;
  readonly publicationName: string;
  /** The connector's. */
  readonly name: string;
  readonly identity: SourceIdentity;
  /** Gives up waiting for a connection. */
  readonly signal: AbortSignal;
}

/** True when the position was reached on the history of this server; `before` is whom it was read from. Throws OperatorError for another publication. */
export async function descends(now: ServerNow, before: SourceIdentity, position: Position): Promise<boolean> {
  const { client, publicationName, name, identity } = now;
  const { system, timeline, publication } = identity;
  if (before.system !== system || before.timeline > timeline) return false;
  assertFromWal(position, name);
  if (before.publication !== publication) throw otherPublication(publicationName);
  // Files that were put back from a copy have system and timeline of the server that they are of.
  if (!(await hasReached(client, positionToLsn(position)))) return false;
  if (before.timeline === timeline) return true;
  const branch = await branchPoint(now, timeline, before.timeline);
  return branch !== undefined && branch >= positionToLsn(position);
}

/** Where polls or triggers were read to says nothing of the WAL: throws OperatorError for such a position. */
export function assertFromWal(position: Position, name: string): void {
  if (isLsnPosition(position)) return;
  throw new OperatorError('The log ends with what a source of another kind has captured, not the WAL', {
    advice: `Copy everything again: rowcast offsets reset ${name} --yes. Or set connector.class back to what it was.`,
  });
}

/** The end of the server's WAL at this moment. Throws OperatorError on a standby, which has no WAL of its own. */
export async function walEnd(client: pg.ClientBase): Promise<number> {
  try {
    const sql = /* sql */ `select pg_catalog.pg_current_wal_insert_lsn()::text as lsn`;
    return parseLsn((await client.query<{ lsn: string }>(sql)).rows[0]?.lsn ?? '');
  } catch (error) {
    if (sqlState(error) !== '55000') throw postgresError(error, "Cannot look up the end of the server's WAL");
    throw new OperatorError('The server is a standby: it writes no WAL of its own', {
      cause: error,
      advice: 'Promote it, or connect to the primary.',
    });
  }
}

/** Whether the server's WAL has got as far as this. A standby replays what it may have shown before it restarted: true. */
export async function hasReached(client: pg.ClientBase, lsn: number): Promise<boolean> {
  try {
    const sql = /* sql */ `select case when pg_catalog.pg_is_in_recovery() then null
      else pg_catalog.pg_current_wal_flush_lsn()::text end as lsn`;
    const end = (await client.query<{ lsn: string | null }>(sql)).rows[0]?.lsn;
    return typeof end !== 'string' || parseLsn(end) >= lsn;
  } catch (error) {
    throw postgresError(error, "Cannot look up the end of the server's WAL");
  }
}
