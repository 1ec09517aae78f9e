import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { RefusedError } from '../../errors.ts';
import { postgresError } from '../../postgres/errors.ts';
import { type Incarnation, isNewer } from '../source.ts';

const LOCK_ATTEMPTS = 20;
const LOCK_DELAY_MS = 100;

/**
 * The application_name of every connection of a source: connector and daemon (hashed, the server keeps 63 bytes) and
 * incarnation, so that a later one can tell what it may end (V3).
 */
export function applicationName(connector: string, { daemon, offset, id }: Incarnation): string {
  return `rowcast:${digest(connector)}:${digest(daemon)}:${offset.toString(36)}:${short(id)}`;
}

/** Whether the holder of this application_name may be ended by `self`: an older incarnation, or anybody when taking over. */
export function isStale(application: string, connector: string, self: Incarnation, takeOver: boolean): boolean {
  const parts = application.split(':');
  const [product, name, daemon, offset, id] = parts;
  if (parts.length !== 5 || product !== 'rowcast' || name !== digest(connector)) return false;
  const holder = { daemon: daemon as string, offset: Number.parseInt(offset as string, 36), id: id as string };
  const me = { daemon: digest(self.daemon), offset: self.offset, id: short(self.id) };
  // The same incarnation is an earlier run of this process, whose connection the server has not yet given up.
  return holder.daemon === me.daemon ? !isNewer(holder, me) : takeOver;
}

/**
 * Takes the advisory lock of the connector in the source database, for the life of the connection. A stale holder is ended.
 * Throws RefusedError while somebody else has it.
 */
export async function lockConnector(
  client: pg.ClientBase,
  connector: string,
  self: Incarnation,
  takeOver: boolean,
  signal: AbortSignal,
): Promise<void> {
  const key = createHash('sha256').update(`rowcast source ${connector}`).digest();
  const keys = [key.readInt32BE(0), key.readInt32BE(4)];
  try {
    for (let attempt = 0; attempt < LOCK_ATTEMPTS; attempt++) {
      const sql = /* sql */ `select pg_catalog.pg_try_advisory_lock($1, $2) as locked`;
      if ((await client.query<{ locked: boolean }>(sql, keys)).rows[0]?.locked) return;
      const pid = await lockHolder(client, keys);
      if (pid !== undefined && !(await endIfStale(client, pid, connector, self, takeOver))) break;
      await sleep(LOCK_DELAY_MS, undefined, { signal });
    }
  } catch (error) {
    throw postgresError(error, `Cannot lock connector "${connector}"`);
  }
  throw new RefusedError(`Another process runs connector "${connector}" on this database`, {
    advice: 'Stop the other process; if this one is to replace it, start it with --take-over.',
  });
}

/** Ends the connection of this process id if it is stale; says whether it was. */
export async function endIfStale(
  client: pg.ClientBase,
  pid: number,
  connector: string,
  self: Incarnation,
  takeOver: boolean,
): Promise<boolean> {
  const sql = /* sql */ `select application_name as name from pg_catalog.pg_stat_activity where pid = $1`;
  const holder = (await client.query<{ name: string }>(sql, [pid])).rows[0];
  if (!holder || !isStale(holder.name, connector, self, takeOver)) return holder === undefined;
  // Both in one statement: the process id may have become somebody else's.
  await client.query(
    /* sql */ `select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity where pid = $1 and application_name = $2`,
    [pid, holder.name],
  );
  return true;
}

async function lockHolder(client: pg.ClientBase, keys: readonly number[]): Promise<number | undefined> {
  const result = await client.query<{ pid: number }>(
    /* sql */ `select l.pid from pg_catalog.pg_locks l join pg_catalog.pg_database d on d.oid = l.database
      where l.locktype = 'advisory' and l.granted and l.objsubid = 2 and d.datname = current_database()
        and l.classid = ($1::int8 & 4294967295)::oid and l.objid = ($2::int8 & 4294967295)::oid`,
    [...keys],
  );
  return result.rows[0]?.pid;
}

function digest(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 12);
}

/** An id keeps its beginning, because ids are compared. */
function short(id: string): string {
  return id.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 16);
}
