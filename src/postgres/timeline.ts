import type pg from 'pg';
import type { ConnectionSettings } from './connection-settings.ts';
import { connect } from './connect.ts';
import { postgresError } from './errors.ts';
import { parseLsn } from './lsn.ts';

/** How a walsender of our own is reached. */
export interface Way {
  readonly connection: ConnectionSettings;
  readonly application: string;
  /** Gives up waiting for a connection. */
  readonly signal: AbortSignal;
}

/** Asks on a replication connection; needs the right to replicate. `doing` begins the message of what fails. */
export async function onWalsender<T>(
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
