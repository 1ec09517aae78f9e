import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { connect } from '../../postgres/connect.ts';
import type { ConnectionSettings } from '../../postgres/connection-settings.ts';
import type { Incarnation } from '../../source/source.ts';
import { lockConnector } from '../../source/capture/holder.ts';

/** How these connections are seen in pg_stat_activity; never taken for a daemon's, which may end older ones of its own. */
export const APPLICATION = 'rowcast operator';

/** A daemon of its own kind: whoever runs a connector is never ended for it. */
export function operatorIncarnation(): Incarnation {
  return { daemon: `operator ${randomUUID()}`, offset: 0, id: randomUUID() };
}

/** As `onDatabase`, with the lock of a source connector. Throws RefusedError while any process runs it. */
export async function onIdleSource<T>(
  name: string,
  settings: ConnectionSettings,
  signal: AbortSignal,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  return await onDatabase(settings, signal, async (client) => {
    await lockConnector(client, name, operatorIncarnation(), false, signal);
    return await work(client);
  });
}

/** Runs `work` on a connection of its own; an abort breaks it. */
export async function onDatabase<T>(
  settings: ConnectionSettings,
  signal: AbortSignal,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connect(settings, APPLICATION, {}, signal);
  const abort = (): void => void client.end().catch(() => {}); // the query under way fails, and tells
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await work(client);
  } finally {
    signal.removeEventListener('abort', abort);
    await client.end();
  }
}
