import type pg from 'pg';
import { connect } from '../../postgres/connect.ts';
import type { ConnectionSettings } from '../../postgres/connection-settings.ts';

/** How these connections are seen in pg_stat_activity; never taken for a daemon's, which may end older ones of its own. */
export const APPLICATION = 'rowcast operator';

/** Runs `work` on a connection of its own; an abort breaks it. */
export async function onDatabase<T>(
  settings: ConnectionSettings,
  signal: AbortSignal,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const client = await connect(settings, APPLICATION);
  const abort = (): void => void client.end().catch(() => {}); // the query under way fails, and tells
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await work(client);
  } finally {
    signal.removeEventListener('abort', abort);
    await client.end();
  }
}
