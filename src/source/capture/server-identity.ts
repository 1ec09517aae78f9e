import type pg from 'pg';
import { postgresError } from '../../postgres/errors.ts';
import type { SourceIdentity } from '../source.ts';

/**
 * Asks the server who it is, on an ordinary connection: needs no right, and works on a standby. The timeline of a standby is that of its last
 * restart point. There is no publication.
 * @see https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-CONTROLDATA
 */
export async function lookUpIdentity(client: pg.ClientBase): Promise<SourceIdentity> {
  try {
    const { rows } = await client.query<{ system: string; timeline: number }>(IDENTITY);
    const { system = '', timeline = 0 } = rows[0] ?? {};
    return { system, timeline, publication: '' };
  } catch (error) {
    throw postgresError(error, 'Cannot identify the server');
  }
}

/** A server that was promoted knows its timeline at once; its control file only after the next checkpoint. */
const IDENTITY = /* sql */ `
  select system_identifier::text as system, case when pg_catalog.pg_is_in_recovery() then
      (select timeline_id from pg_catalog.pg_control_checkpoint())
    else ('x' || substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8))::bit(32)::int4 end as timeline
  from pg_catalog.pg_control_system()`;
