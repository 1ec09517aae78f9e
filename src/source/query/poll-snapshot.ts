import type pg from 'pg';
import { TransientError } from '../../errors.ts';
import { postgresError, sqlState } from '../../postgres/errors.ts';
import { qualified } from '../../postgres/identifier.ts';
import { WAL_WRITTEN } from '../capture/keep-on-disk.ts';
import type { PolledName, PolledTables } from './polled-tables.ts';
import type { SnapshotBounds } from './xid-window.ts';

/** What all reads of one poll see. */
export interface PollSnapshot extends SnapshotBounds {
  /** The server's clock, microseconds since 1970. */
  readonly timeUs: number;
  readonly names: readonly PolledName[];
  /** Where the WAL of all that ends; null on a standby. */
  readonly wal: string | null;
}

/** SQLSTATEs of a table, schema or kind of table that is no more: undefined_table, invalid_schema_name, wrong_object_type. */
const GONE = ['42P01', '3F000', '42809'];
const ATTEMPTS = 5;

/** What the server's snapshots show at this moment. */
export async function lookAtBounds(client: pg.ClientBase): Promise<SnapshotBounds> {
  const { xmin, xmax } = await readBounds(client);
  return { xmin, xmax };
}

/**
 * Begins a transaction whose statements all see one state of all tables. They are locked before the snapshot is taken, so that none is rewritten
 * or truncated in between: its rows would be gone from the snapshot. Throws TransientError when tables come and go all the time.
 */
export async function beginPoll(client: pg.ClientBase, tables: PolledTables): Promise<PollSnapshot> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const names = await tables.list(client);
    await client.query(/* sql */ `begin isolation level repeatable read read only`);
    try {
      if (await lock(client, names)) {
        const bounds = await readBounds(client);
        const shown = await tables.list(client);
        if (JSON.stringify(shown) === JSON.stringify(names)) return { ...bounds, names };
      }
    } catch (error) {
      await endPoll(client);
      throw error;
    }
    await endPoll(client);
  }
  throw new TransientError('Tables were created or dropped whenever a poll began');
}

/** Ends the poll's transaction, which has written nothing. A lost connection has ended it already. */
export async function endPoll(client: pg.ClientBase): Promise<void> {
  await client.query('rollback').catch(() => {}); // whoever asks next is told
}

/** False when one of them is gone. */
async function lock(client: pg.ClientBase, names: readonly PolledName[]): Promise<boolean> {
  const list = names
    .filter(({ kind }) => kind === 'r' || kind === 'p')
    .map(({ schema, name, kind }) => `${kind === 'p' ? '' : 'only '}${qualified(schema, name)}`);
  if (list.length === 0) return true;
  try {
    await client.query(/* sql */ `lock table ${list.join(', ')} in access share mode`);
    return true;
  } catch (error) {
    if (GONE.includes(sqlState(error) ?? '')) return false;
    throw postgresError(error, 'Cannot lock the tables to poll');
  }
}

async function readBounds(client: pg.ClientBase): Promise<Omit<PollSnapshot, 'names'>> {
  try {
    const { rows } = await client.query<{ xmin: string; xmax: string; time: string; wal: string | null }>(BOUNDS);
    const { xmin = '', xmax = '', time = '', wal = null } = rows[0] ?? {};
    return { xmin: Number(xmin), xmax: Number(xmax), timeUs: Number(time), wal };
  } catch (error) {
    throw postgresError(error, 'Cannot take a snapshot to poll');
  }
}

const BOUNDS = /* sql */ `
  select pg_catalog.pg_snapshot_xmin(s)::text as xmin, pg_catalog.pg_snapshot_xmax(s)::text as xmax,
    (extract(epoch from statement_timestamp()) * 1000000)::int8::text as time, ${WAL_WRITTEN} as wal
  from pg_catalog.pg_current_snapshot() s`;
