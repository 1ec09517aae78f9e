import type pg from 'pg';
import type { ConnectionSettings } from '../../postgres/connection-settings.ts';
import { connect } from '../../postgres/connect.ts';
import { postgresError } from '../../postgres/errors.ts';
import type { Position } from '../../change/position.ts';
import { parseLsn, positionToLsn } from '../../postgres/lsn.ts';
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
  readonly identity: SourceIdentity;
  /** Gives up waiting for a connection. */
  readonly signal: AbortSignal;
}

/** True when the position was reached on the history of this server; `before` is whom it was read from. Throws OperatorError for another publication. */
export async function descends(now: ServerNow, before: SourceIdentity, position: Position): Promise<boolean> {
  const { client, publicationName, identity } = now;
  const { system, timeline, publication } = identity;
  if (before.system !== system || before.timeline > timeline) return false;
  if (before.publication !== publication) throw otherPublication(publicationName);
  // Files that were put back from a copy have system and timeline of the server that they are of.
  if (!(await hasReached(client, positionToLsn(position)))) return false;
  if (before.timeline === timeline) return true;
  const branch = await branchPoint(now, timeline, before.timeline);
  return branch !== undefined && branch >= positionToLsn(position);
}

/** Where the server's timeline branched off an older one; undefined when that one is none of its ancestors. */
export async function branchPoint(way: Way, timeline: number, ancestor: number): Promise<number | undefined> {
  return await onWalsender(way, `Cannot read the history of timeline ${timeline}`, async (client) => {
    const { rows } = await client.query<{ content: Buffer | string }>(`TIMELINE_HISTORY ${timeline}`);
    return findBranch(String(rows[0]?.content ?? ''), ancestor);
  });
}

/** A timeline's history file: one line per ancestor, its number and where it was left. */
export function findBranch(history: string, ancestor: number): number | undefined {
  for (const line of history.split('\n')) {
    const [timeline, lsn] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (lsn && Number(timeline) === ancestor) return parseLsn(lsn);
  }
  return undefined;
}

/** The end of the server's WAL at this moment. Throws OperatorError on a standby, which has no WAL of its own. */
export async function walEnd(client: pg.ClientBase): Promise<number> {
  try {
    const sql = /* sql */ `select pg_catalog.pg_current_wal_insert_lsn()::text as lsn`;
    return parseLsn((await client.query<{ lsn: string }>(sql)).rows[0]?.lsn ?? '');
  } catch (error) {
    throw postgresError(error, "Cannot look up the end of the server's WAL");
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

/** How a walsender of our own is reached. */
type Way = Pick<ServerNow, 'connection' | 'application' | 'signal'>;

async function onWalsender<T>(
  { connection, application, signal }: Way,
  doing: string,
  ask: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connect(connection, application, { replication: 'database' }, signal);
  try {
    return await ask(client);
  } catch (error) {
    throw postgresError(error, doing);
  } finally {
    await client.end();
  }
}
