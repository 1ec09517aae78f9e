import type pg from 'pg';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import { connect } from '../postgres/connect.ts';
import { quoteIdentifier } from '../postgres/identifier.ts';

/** The application_name of the suite's own sessions. */
export const APPLICATION = 'rowcast conformance';
const DROP_ATTEMPTS = 50;
const DROP_DELAY_MS = 100;

/** A database of one check; dropped when it is disposed of, with whatever holds on to it. */
export interface ScratchDatabase extends AsyncDisposable {
  readonly settings: ConnectionSettings;
  /** A connection that stays open; its search_path is `public`. */
  readonly client: pg.Client;
  /** Runs one or several statements and returns the rows of the last one. */
  query<Row extends pg.QueryResultRow = Record<string, unknown>>(sql: string): Promise<Row[]>;
  /** Another session. */
  connect(): Promise<pg.Client>;
}

export async function scratchDatabase(server: ConnectionSettings, name: string): Promise<ScratchDatabase> {
  const settings: ConnectionSettings = { ...server, database: name };
  const session = (): Promise<pg.Client> => connect(settings, APPLICATION, { search_path: 'public' });
  await onServer(server, async (admin) => void (await admin.query(`create database ${quoteIdentifier(name)}`)));
  const client = await session();
  return {
    settings,
    client,
    connect: session,
    async query<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> {
      const result: unknown = await client.query<Row>(sql);
      const last: unknown = Array.isArray(result) ? result.at(-1) : result;
      return (last as pg.QueryResult<Row>).rows;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await client.end();
      await onServer(server, (admin) => drop(admin, name));
    },
  };
}

/** A slot that a failed check has left would keep the database, and WAL. */
async function drop(admin: pg.Client, name: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await admin.query(
      /* sql */ `select pg_terminate_backend(active_pid) from pg_replication_slots where database = $1 and active_pid is not null`,
      [name],
    );
    try {
      await admin.query(
        /* sql */ `select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = $1`,
        [name],
      );
      return void (await admin.query(`drop database if exists ${quoteIdentifier(name)} with (force)`));
    } catch (error) {
      if (attempt === DROP_ATTEMPTS) throw error; // a walsender that was ended still holds its slot
      await new Promise((resolve) => setTimeout(resolve, DROP_DELAY_MS));
    }
  }
}

async function onServer(server: ConnectionSettings, act: (admin: pg.Client) => Promise<void>): Promise<void> {
  const admin = await connect(server, APPLICATION);
  try {
    await act(admin);
  } finally {
    await admin.end();
  }
}
