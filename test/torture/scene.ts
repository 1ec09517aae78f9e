import type pg from 'pg';
import { isWhole } from '../../src/change/copy-state.ts';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { connect } from '../../src/postgres/connect.ts';
import { lsnToPosition, parseLsn } from '../../src/postgres/lsn.ts';
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

/** What a dead source has left in the log and in its slot. */
export async function lookAtSource({
  log,
  servers,
  signal,
}: Stage): Promise<Pick<Scene, 'tail' | 'unacknowledged' | 'isCatchingUp'>> {
  const { checkpoint, tail } = await log.end(signal);
  const slot = await one<{ lsn: string | null }>(
    servers.source,
    /* sql */ `select confirmed_flush_lsn::text as lsn from pg_replication_slots where slot_name = 'rowcast_torture'`,
  );
  const confirmed = slot?.lsn ? lsnToPosition(parseLsn(slot.lsn)) : undefined;
  const unacknowledged = checkpoint !== undefined && confirmed !== undefined && confirmed < checkpoint.position;
  const isCatchingUp = checkpoint?.copy !== undefined && isWhole(checkpoint.copy);
  return { tail, unacknowledged, isCatchingUp };
}

/** The first row that a query on a connection of its own returns. */
export async function one<Row extends pg.QueryResultRow>(
  settings: ConnectionSettings,
  sql: string,
): Promise<Row | undefined> {
  const client = await connect(settings, 'torture judge');
  try {
    return (await client.query<Row>(sql)).rows[0];
  } finally {
    await client.end();
  }
}
