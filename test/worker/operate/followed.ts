import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../src/servers/postgres-server.ts';
import type { ConnectionSettings } from '../../../src/postgres/connection-settings.ts';
import { connect } from '../../../src/postgres/connect.ts';
import { compareTable } from '../../../src/verify/compare.ts';
import { operate } from '../../../src/worker/operate/operate.ts';
import type { OperatorAnswer, OperatorRequest } from '../../../src/worker/rest/daemon-view.ts';
import { eventually, Replication, type Running } from '../../pipeline/replication.ts';
import { freshDatabase } from '../../support/postgres.ts';
import { connectorFiles, operator } from './operated.ts';

/** Runs statements on a connection of their own, and returns the rows of the last one. */
export async function execute(settings: ConnectionSettings, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = await connect(settings, 'rowcast test');
  try {
    await client.query('set search_path = public');
    const result = await client.query<Record<string, unknown>>(sql);
    const last: unknown = Array.isArray(result) ? result.at(-1) : result;
    return (last as typeof result).rows;
  } finally {
    await client.end();
  }
}

export interface OnServer {
  readonly ask: (request: OperatorRequest) => Promise<OperatorAnswer>;
  /** Starts the source connector as a new process does. */
  readonly start: () => Running;
}

/** A source, and a replica that follows it. */
export interface Followed extends AsyncDisposable {
  /** Room for copies of the server's files. */
  readonly copies: string;
  readonly first: PostgresServer;
  readonly source: ConnectionSettings;
  readonly replication: Replication;
  /** What the replica has. */
  readonly ids: () => Promise<readonly number[]>;
  /** The source connector on a server. */
  readonly on: (settings: ConnectionSettings) => OnServer;
  /** Waits until the replica has a row. */
  readonly shows: (id: number) => Promise<void>;
  /** The number of rows that a server and the replica have, which are the same. */
  readonly equals: (server: ConnectionSettings) => Promise<number>;
}

/** Both loops and an operator, for whichever server is the source now. */
function onServer(replication: Replication, source: ConnectionSettings, target: ConnectionSettings): OnServer {
  const files = connectorFiles(source, target);
  const ask = (request: OperatorRequest): Promise<OperatorAnswer> =>
    operate(operator(replication.log, files), request, AbortSignal.timeout(60_000));
  const start = (): Running => {
    const memory = { incarnation: undefined, stored: undefined, takeOver: false };
    return replication.startSource('one', memory, source);
  };
  return { ask, start };
}

/** A source server of its own, or a given one, followed by a replica, and room for copies of its files. */
export async function followed(given?: PostgresServer): Promise<Followed> {
  const copies = await mkdtemp(join(tmpdir(), 'rowcast-promoted-'));
  await chmod(copies, 0o755); // the server may run as another user
  const target = await freshDatabase('target');
  const first = given ?? (await startPostgres());
  const source = await first.createDatabase('shop');
  await execute(source, /* sql */ `create table t (id int primary key, v text); insert into t values (1, 'copied')`);
  const replication = await Replication.open({ source, target: target.settings });
  const ids = async (): Promise<readonly number[]> => {
    const [table] = await target.query(`select to_regclass('public.t') as t`);
    if (table?.t === null) return [];
    return (await target.query<{ id: number }>('select id from public.t order by id')).map(({ id }) => id);
  };
  replication.startSink();
  return {
    copies,
    first,
    source,
    ids,
    replication,
    on: (settings) => onServer(replication, settings, target.settings),
    shows: (id) => eventually(async () => (await ids()).includes(id), `row ${id}`),
    equals: async (server) => {
      const client = await connect(server, 'rowcast test');
      try {
        const { rows, difference } = await compareTable(client, target.client, { schema: 'public', name: 't' });
        expect(difference).toBeUndefined();
        return rows;
      } finally {
        await client.end();
      }
    },
    async [Symbol.asyncDispose]() {
      await replication[Symbol.asyncDispose]();
      if (given === undefined) await first[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
      await rm(copies, { recursive: true, force: true });
    },
  };
}
