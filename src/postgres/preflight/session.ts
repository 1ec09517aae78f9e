import type pg from 'pg';
import { describeError, TransientError } from '../../errors.ts';
import { BoundedClient, socketOf } from '../bounded-client.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { pinSession, tryConnect } from '../connect.ts';
import { postgresError } from '../errors.ts';

/** How a look at a server is seen in pg_stat_activity. */
export const APPLICATION = 'rowcast check';
const CONNECT_TIMEOUT_MS = 8_000;
const QUERY_TIMEOUT_MS = 15_000;
const GOODBYE_MS = 500;

/** A session that only looks: whatever it is asked to write, the server refuses. */
export interface LookingSession extends AsyncDisposable {
  readonly client: pg.Client;
}

/**
 * Opens a session as the connectors do, pins included, and makes it read-only. Never waits longer than some seconds, and an
 * abort drops it. Throws TransientError or OperatorError.
 */
export async function openLooking(settings: ConnectionSettings, signal: AbortSignal): Promise<LookingSession> {
  const client = await open(settings, {}, signal);
  try {
    await pinSession(client);
    await client.query(/* sql */ `set session characteristics as transaction read only`);
    return { client, [Symbol.asyncDispose]: () => client.end() };
  } catch (error) {
    await client.end();
    throw postgresError(error, `Cannot prepare a session in database "${settings.database}"`);
  }
}

/** Whether a walsender connection works, and who the server says it is. Throws as `openLooking` does. */
export async function identify(
  settings: ConnectionSettings,
  signal: AbortSignal,
): Promise<{ readonly system: string }> {
  const client = await open(settings, { replication: 'database' }, signal);
  try {
    const { rows } = await client.query<{ systemid: string }>('IDENTIFY_SYSTEM');
    return { system: rows[0]?.systemid ?? '' };
  } catch (error) {
    throw postgresError(error, 'Cannot identify the server on a replication connection');
  } finally {
    await client.end();
  }
}

async function open(
  settings: ConnectionSettings,
  extra: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<pg.Client> {
  return await tryConnect(settings, APPLICATION, extra, async (config) => {
    signal.throwIfAborted();
    const timeouts = { connectionTimeoutMillis: CONNECT_TIMEOUT_MS, query_timeout: QUERY_TIMEOUT_MS };
    const client = new BoundedClient({ ...config, ...timeouts }, GOODBYE_MS);
    client.on('error', () => {}); // the next query reports it
    const drop = (): void => void socketOf(client).destroy();
    signal.addEventListener('abort', drop, { once: true });
    client.once('end', () => signal.removeEventListener('abort', drop));
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => {}); // the first error is the one that tells
      if (!signal.aborted) throw error;
      throw new TransientError('The server did not answer in time', { cause: describeError(error) });
    }
  });
}
