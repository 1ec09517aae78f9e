import type pg from 'pg';
import { isWhole } from '../change/copy-state.ts';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import { connect } from '../postgres/connect.ts';
import type { Scene } from './moment.ts';
import type { Stage } from './stage.ts';

/** What the sink's session at the target does right now. */
export async function lookAtTarget(replica: ConnectionSettings): Promise<Scene['target']> {
  const row = await one<{ state: string; query: string }>(
    replica,
    /* sql */ `select state, query from pg_stat_activity where application_name like 'rowcast sink%' and xact_start is not null and state <> 'idle' limit 1`,
  );
  if (row === undefined) return 'idle';
  return row.state === 'active' && /commit\s*$/i.test(row.query) ? 'committing' : 'in transaction';
}

/** What a dead source has left in the log, and what its server has noted for it. */
export async function lookAtSource({
  profile,
  log,
  servers,
  signal,
}: Stage): Promise<Pick<Scene, 'tail' | 'unacknowledged' | 'isCatchingUp'>> {
  const { checkpoint, tail } = await log.end(signal);
  const acknowledged = await asked(servers.source, (client) => profile.acknowledged(client));
  const unacknowledged = checkpoint !== undefined && acknowledged !== undefined && acknowledged < checkpoint.position;
  const isCatchingUp =
    profile.moments.includes('below the point of a copy') && checkpoint?.copy !== undefined && isWhole(checkpoint.copy);
  return { tail, unacknowledged, isCatchingUp };
}

/** The first row that a query on a connection of its own returns. */
export async function one<Row extends pg.QueryResultRow>(
  settings: ConnectionSettings,
  sql: string,
): Promise<Row | undefined> {
  return await asked(settings, async (client) => (await client.query<Row>(sql)).rows[0]);
}

/** Asks on a connection of its own. */
export async function asked<Answer>(
  settings: ConnectionSettings,
  ask: (client: pg.Client) => Promise<Answer>,
): Promise<Answer> {
  const client = await connect(settings, 'torture judge');
  try {
    return await ask(client);
  } finally {
    await client.end();
  }
}
