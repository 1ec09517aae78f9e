import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { inject } from 'vitest';
import { type PostgresServer, startPostgres } from '../../src/servers/postgres-server.ts';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { connect } from '../../src/postgres/connect.ts';
import { quoteIdentifier, quoteLiteral } from '../../src/postgres/identifier.ts';

/** A database of its own for a test file or a test; dropped, slots included, when it is disposed of. */
export interface Database extends AsyncDisposable {
  readonly settings: ConnectionSettings;
  /** A connection that stays open; its search_path is `public`. */
  readonly client: pg.Client;
  /** Runs one or several statements and returns the rows of the last one. */
  query<Row extends pg.QueryResultRow = Record<string, unknown>>(sql: string): Promise<Row[]>;
}

let counter = 0;

/** A name that nothing on the servers of this run has, not even of a failed try of the same test. */
export function uniqueName(name: string): string {
  return `${name}_${process.pid}_${++counter}`;
}

/** Creates a database on the run's embedded server, or on the server whose superuser connection is given; `how` are further words of the statement. */
export async function freshDatabase(
  name: string,
  server: ConnectionSettings = inject('postgres'),
  how: string = '',
): Promise<Database> {
  const database = uniqueName(name);
  await once(server, `create database ${quoteIdentifier(database)} ${how}`);
  const settings: ConnectionSettings = { ...server, database };
  const client = await connect(settings, 'rowcast test');
  await client.query('set search_path = public');
  return {
    settings,
    client,
    async query<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> {
      const result = await client.query<Row>(sql);
      const last: unknown = Array.isArray(result) ? result.at(-1) : result;
      return (last as pg.QueryResult<Row>).rows;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await client.end();
      await drop(server, database);
    },
  };
}

/** A kind of server that tests run on. */
export interface ServerKind {
  readonly name: string;
  /** Where its programs are; undefined for the embedded one, which has no client programs. */
  readonly binaries?: string;
  /** Starts a server of one's own, for tests that stop it. */
  start(settings?: Readonly<Record<string, string>>): Promise<PostgresServer>;
}

/** The embedded Postgres, and every other Postgres that this system has installed: for `describe.each(servers)`. */
export const servers: readonly ServerKind[] = [
  { name: 'embedded', start: (settings = {}) => startPostgres({ settings }) },
  ...installed().map(
    ({ name, binaries }): ServerKind => ({
      name,
      binaries,
      start: (settings = {}) => startPostgres({ settings, binaries }),
    }),
  ),
];

function installed(): { name: string; binaries: string }[] {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .filter((version) => Number(version) >= 14 && existsSync(join(root, version, 'bin', 'initdb')))
    .map((version) => ({ name: `Postgres ${version}`, binaries: join(root, version, 'bin') }));
}

async function drop(server: ConnectionSettings, database: string): Promise<void> {
  const admin = await connect(server, 'rowcast test');
  try {
    const literal = quoteLiteral(database);
    await admin.query(/* sql */ `select pg_terminate_backend(active_pid) from pg_replication_slots
      where database = ${literal} and active_pid is not null`);
    for (let attempt = 0; ; attempt++) {
      try {
        await admin.query(
          /* sql */ `select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = ${literal}`,
        );
        break;
      } catch (error) {
        if (attempt === 50) throw error; // the terminated walsender still holds it
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    await admin.query(/* sql */ `drop database if exists ${quoteIdentifier(database)} with (force)`);
  } finally {
    await admin.end();
  }
}

async function once(server: ConnectionSettings, sql: string): Promise<void> {
  const client = await connect(server, 'rowcast test');
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
