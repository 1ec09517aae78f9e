import type pg from 'pg';
import type { Position } from '../../change/position.ts';
import { TransientError } from '../../errors.ts';
import { postgresError } from '../../postgres/errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { fromPosition } from './poll-state.ts';

/**
 * A source of another kind has read the primary up to this position: a standby that is behind would take the replica back in time. Throws
 * TransientError until it has replayed that; positions of polls say nothing of the WAL.
 */
export async function assertReached(client: pg.ClientBase, position: Position): Promise<void> {
  const { number: lsn, state } = fromPosition(position);
  if (state !== undefined) return;
  const sql = /* sql */ `select pg_is_in_recovery() and pg_last_wal_replay_lsn() < $1::pg_lsn as "isBehind"`;
  const { rows } = await client.query<{ isBehind: boolean | null }>(sql, [formatLsn(lsn)]).catch((error: unknown) => {
    throw postgresError(error, 'Cannot look how far the standby is');
  });
  if (rows[0]?.isBehind !== true) return;
  throw new TransientError(`The standby has not replayed what the log has, up to ${formatLsn(lsn)}`, {
    advice: 'It is tried again. Look why the standby is behind, if this lasts.',
  });
}
