import type pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { CopySignal } from '../../src/change/copy-request.ts';
import { type PostgresServer, startPostgres } from '../../src/servers/postgres-server.ts';
import { connect } from '../../src/postgres/connect.ts';
import { freshDatabase } from '../support/postgres.ts';
import { eventually, Replication } from './replication.ts';

/** A commit waits for a standby that does not exist: it is in the WAL, and nobody sees it (F11). */
let server: PostgresServer;
let admin: pg.Client;

beforeAll(async () => {
  server = await startPostgres({});
  admin = await connect(server.settings(), 'rowcast test', { synchronous_commit: 'local' });
  await admin.query('create table public.probe (n int)');
});
afterAll(async () => {
  await admin.end();
  await server[Symbol.asyncDispose]();
});
afterEach(async () => await awaitStandby(''));

async function awaitStandby(name: string): Promise<void> {
  await admin.query(`alter system set synchronous_standby_names = '${name}'`);
  await admin.query('select pg_reload_conf()');
  await eventually(async () => {
    const { rows } = await admin.query<{ now: string }>(`select current_setting('synchronous_standby_names') as now`);
    return rows[0]?.now === name;
  }, 'the setting to hold');
  if (name !== '') while (!(await doCommitsWait())) continue;
}

/** The server's processes hear of the setting one after another: a commit of no importance tells. */
async function doCommitsWait(): Promise<boolean> {
  const probe = await connect(server.settings(), 'rowcast probe');
  const { rows } = await probe.query<{ pid: number }>('select pg_backend_pid() as pid');
  const pid = rows[0]?.pid;
  let isOver = false;
  const done = probe.query('insert into public.probe values (1)').then(() => {
    isOver = true;
  });
  const isWaiting = async (): Promise<boolean> => {
    const waits = `select from pg_stat_activity where pid = $1 and wait_event = 'SyncRep'`;
    return (await admin.query(waits, [pid])).rows.length > 0;
  };
  await eventually(async () => isOver || (await isWaiting()), 'the probe');
  const waited = !isOver;
  if (waited) await admin.query('select pg_cancel_backend($1)', [pid]);
  await done;
  await probe.end();
  return waited;
}

interface World extends AsyncDisposable {
  readonly replication: Replication;
  readonly replica: pg.Client;
}

async function streaming(table: string): Promise<World> {
  await admin.query(`create table public.${table} (id int primary key, v text)`);
  await admin.query(`insert into public.${table} select g, repeat('old', 40) from generate_series(1, 12000) g`);
  const target = await freshDatabase(`replica_${table}`); // on a server whose commits wait for nobody
  const wal = { tableInclude: [`public.${table}`], slotName: table, publicationName: table };
  const more = { snapshotChunkBytes: 48 * 1024, incrementalChunkRows: 100 };
  const replication = await Replication.open({
    source: server.settings(),
    target: target.settings,
    wal: { ...wal, ...more },
  });
  replication.startSource();
  replication.startSink();
  await replication.settled();
  return {
    replication,
    replica: target.client,
    async [Symbol.asyncDispose]() {
      await replication[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}

/** Every chunk has some of these. */
const TOUCHED = 'id % 100 = 99';

/** Writes by a session whose commit waits for the standby, and waits until the stream has brought the changes nevertheless. */
async function writeUnseen({ replica }: World, table: string): Promise<{ done: Promise<void> }> {
  const writer = await connect(server.settings(), 'rowcast writer');
  const done = writer
    .query(`update public.${table} set v = 'new' where ${TOUCHED}`)
    .then(() => writer.end())
    .then(() => undefined);
  await eventually(async () => (await valueOf(replica, table, 11_999)) === 'new', 'the change to be streamed');
  expect(await valueOf(admin, table, 11_999)).not.toBe('new');
  return { done };
}

async function valueOf(client: pg.Client, table: string, id: number): Promise<string | undefined> {
  return (await client.query<{ v: string }>(`select v from public.${table} where id = $1`, [id])).rows[0]?.v;
}

/** Writes that are seen, and each of them arrives: meanwhile the copy has had time for as many steps. */
async function writeSeen({ replica }: World, table: string): Promise<void> {
  for (let n = 1; n <= 10; n++) {
    await admin.query(`update public.${table} set v = $1 where id = 1`, [`seen ${n}`]);
    await eventually(async () => (await valueOf(replica, table, 1)) === `seen ${n}`, 'what others write');
  }
}

const execute = (name: string): CopySignal => {
  return { kind: 'execute', id: 'test', tables: [{ schema: 'public', name }], isBlocking: false };
};

test('a copy does not read what the stream has brought as it was before, when the commit is invisible while it begins', async () => {
  await using world = await streaming('early');
  const { replication, replica } = world;
  await awaitStandby('nosuch');
  const { done } = await writeUnseen(world, 'early');
  await replication.signal(execute('early'));
  await writeSeen(world, 'early');
  expect(replication.requests.tables[0]?.begun).toBeUndefined(); // waits for the transaction
  expect(await valueOf(replica, 'early', 11_999)).toBe('new');
  await awaitStandby('');
  await done;
  await replication.copied();
  expect(await replication.expectEqual('early')).toBe(12_000);
});

test('nor when it becomes invisible between two chunks; other changes go on to arrive', async () => {
  await using world = await streaming('late');
  const { replication } = world;
  await replication.signal(execute('late'));
  const rowsCopied = (): number => replication.requests.tables[0]?.begun?.rows ?? 0;
  await eventually(() => rowsCopied() > 0, 'the first chunk');
  await awaitStandby('nosuch');
  const { done } = await writeUnseen(world, 'late');
  const before = rowsCopied();
  expect(before).toBeLessThan(11_000);
  await writeSeen(world, 'late');
  expect(rowsCopied()).toBeLessThan(before + 900); // at most the chunk that was read already
  await awaitStandby('');
  await done;
  await replication.copied();
  expect(await replication.expectEqual('late')).toBe(12_000);
});
