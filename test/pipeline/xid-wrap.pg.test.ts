import { execFile } from 'node:child_process';
import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { connect } from '../../src/postgres/connect.ts';
import { serverUser } from '../../src/servers/postgres-binaries.ts';
import type { PostgresServer } from '../../src/servers/postgres-server.ts';
import { querySource } from '../source/query/polling.ts';
import { type Database, freshDatabase, type ServerKind, servers } from '../support/postgres.ts';
import { eventually, Replication } from './replication.ts';

/** The newest server whose transaction ids can be set: the embedded one lacks the program. */
const kind = servers.findLast(({ binaries }) => binaries !== undefined);
const END = 2 ** 32;
/** How many transaction ids are left at first. */
const LEFT = 150;
/** As many transaction ids as one file of pg_xact has, at two bits each. */
const XIDS_PER_FILE = 2 ** 20;

/** A server that has used up nearly all transaction ids of 32 bits, as one does in years. */
async function oldServer(of: ServerKind): Promise<PostgresServer> {
  const server = await of.start({ autovacuum: 'off' });
  try {
    await query(server, 'postgres', 'update pg_catalog.pg_database set datallowconn = true');
    // Rows keep no id, which would be one of the future.
    for (const database of ['template0', 'template1', 'postgres']) await query(server, database, 'vacuum freeze');
    await server.stop('fast');
    const user = serverUser();
    const [oldest, next] = [END - 2 * LEFT, END - LEFT].map(String);
    const args = ['-x', next as string, '-u', oldest as string, '-D', server.directory];
    await promisify(execFile)(join(of.binaries ?? '', 'pg_resetwal'), args, { ...user, cwd: '/' });
    const statuses = join(server.directory, 'pg_xact', '0FFF');
    await writeFile(statuses, Buffer.alloc(XIDS_PER_FILE / 4), { mode: 0o600 });
    if (user) await chown(statuses, user.uid, user.gid);
    await server.start();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

async function query(server: PostgresServer, database: string, sql: string): Promise<void> {
  await using client = await clientOf(server.settings(database));
  await client.query(sql);
}

async function lastXid(db: Database): Promise<number> {
  return Number((await db.query<{ xid: string }>('select txid_current()::text as xid'))[0]?.xid);
}

test.skipIf(kind === undefined)(
  'rows arrive while transaction ids begin again, streamed, copied and polled',
  async () => {
    await using server = await oldServer(kind as ServerKind);
    await using source = await freshDatabase('old', server.settings());
    await using streamed = await freshDatabase('streamed');
    await using polled = await freshDatabase('polled');
    await source.query(/* sql */ `create table t (id int primary key, v text); create table loose (n int);
    alter table loose replica identity full; insert into t select i, 'old' from generate_series(1, 1000) i`);
    await using stream = await Replication.open({ source: source.settings, target: streamed.settings });
    await using polling = await Replication.open({
      source: source.settings,
      target: polled.settings,
      prefix: 'polled', // a connector of its own
      capture: (connection, warn) => querySource(connection, { name: 'polled', tableInclude: ['public\\.t'] }, warn),
    });
    for (const each of [stream, polling]) {
      each.startSource();
      each.startSink();
    }
    await stream.settled();
    const isPolled = async (): Promise<boolean> => (await polling.expectEqual('t').catch(() => 0)) > 0;
    await eventually(isPolled, 'the first poll to arrive');

    await using late = await clientOf(source.settings);
    await late.query(`begin; update public.t set v = 'late' where id = 1; insert into public.loose values (-1)`);
    expect(await lastXid(source)).toBeLessThan(END);
    await streamed.query(`update t set v = 'damaged' where id % 3 = 0`);
    for (let n = 1; n <= 2 * LEFT; n++) {
      await source.query(`insert into loose values (${n}); update t set v = '${n}' where id = 1 + ${n}`);
      if (n === LEFT / 2)
        await stream.signal({
          kind: 'execute',
          id: 'again',
          tables: [{ schema: 'public', name: 't' }],
          isBlocking: false,
        });
    }
    expect(await lastXid(source)).toBeGreaterThan(END);
    await late.query('commit');
    await stream.copied();
    expect(await stream.expectEqual('t', 'loose')).toBe(1000 + 2 * LEFT + 1);
    await eventually(isPolled, 'the last poll to arrive');
    expect(await polled.query(`select v from t where id = 1`)).toEqual([{ v: 'late' }]);
  },
);

async function clientOf(settings: ConnectionSettings) {
  const client = await connect(settings, 'rowcast test');
  return { query: (sql: string) => client.query(sql), [Symbol.asyncDispose]: async () => await client.end() };
}
