import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../../src/servers/postgres-server.ts';
import { nearest } from '../../../../src/connector/nearest.ts';
import type { Finding } from '../../../../src/finding.ts';
import { connect } from '../../../../src/postgres/connect.ts';
import { checkWalSource } from '../../../../src/source/wal/preflight/preflight.ts';
import type { WalSourceSettings } from '../../../../src/source/wal/settings.ts';

const signal: AbortSignal = new AbortController().signal;
let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({
    settings: { wal_level: 'replica', max_replication_slots: '1', max_prepared_transactions: '1' },
  });
  await run('create table public.orders (id int primary key)');
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});

async function run(sql: string): Promise<void> {
  const client = await connect(server.settings(), 'rowcast test');
  try {
    for (const statement of sql.replaceAll(/--.*/g, '').split(';')) if (statement.trim()) await client.query(statement);
  } finally {
    await client.end();
  }
}

async function check(slotName = 'rowcast', connection = server.settings()): Promise<readonly Finding[]> {
  const lists = {
    schemaInclude: [],
    schemaExclude: [],
    tableInclude: [],
    tableExclude: [],
    columnInclude: [],
    columnExclude: [],
  };
  const settings: WalSourceSettings = {
    ...lists,
    connection,
    name: 'capture',
    slotName,
    publicationName: 'rowcast',
    publicationAutocreateMode: 'filtered',
    snapshotMode: 'initial',
    snapshotThreads: 1,
    snapshotChunkBytes: 1024 * 1024,
    maxBatchBytes: 1_000_000,
    statusIntervalMs: 10_000,
  };
  return (await checkWalSource(settings, nearest, signal)).findings;
}

const levelOf = (findings: readonly Finding[], what: string): string | undefined =>
  findings.find(({ check: each }) => each === what)?.level;

test('a server that does not log enough says so, and its fix is kept for the restart', async () => {
  const [found] = (await check()).filter(({ check: what }) => what === 'wal_level') as [Finding];
  expect(found).toMatchObject({ level: 'problem', message: 'wal_level is replica; logical decoding needs logical.' });
  await run(found.fix as string);
  expect(await readFile(join(server.directory, 'postgresql.auto.conf'), 'utf8')).toContain("wal_level = 'logical'");
});

test('a full server says so until a slot is dropped', async () => {
  await run(`select pg_create_physical_replication_slot('idle', true)`);
  const [found] = (await check()).filter(
    ({ level, check: what }) => level === 'problem' && what === 'replication slots',
  ) as [Finding];
  await run((found.fix as string).split('\n')[1] as string);
  expect(levelOf(await check(), 'replication slots')).toBe('ok');
});

test('an unbounded slot is warned of until it is bounded', async () => {
  const [found] = (await check()).filter(({ check: what }) => what === 'slot size') as [Finding];
  expect(found.level).toBe('warning');
  await run(found.fix as string);
  await expect.poll(async () => levelOf(await check(), 'slot size')).toBeUndefined();
});

test('a prepared transaction that the slot would wait for can be rolled back', async () => {
  await run(`begin; insert into public.orders values (1); prepare transaction 'left behind'`);
  const [found] = (await check()).filter(({ check: what }) => what === 'long transactions') as [Finding];
  await run(found.fix as string);
  expect(levelOf(await check(), 'long transactions')).toBeUndefined();
});

test('a server that lets nobody in from here names the line for pg_hba.conf', async () => {
  const path = join(server.directory, 'pg_hba.conf');
  const before = await readFile(path, 'utf8');
  const reload = async (): Promise<void> => await run('select pg_reload_conf()');
  await run(`create role capture login superuser password 'capture-me'`);
  const connection = { ...server.settings(), user: 'capture', password: 'capture-me' };
  await writeFile(path, before.replace(/^host\s+all\s+all\s+127.*$/m, 'host all postgres 127.0.0.1/32 scram-sha-256'));
  await reload();
  await expect.poll(async () => (await check('rowcast', connection))[0]?.check).toBe('pg_hba');
  const { fix } = (await check('rowcast', connection))[0] as Finding;
  const line = (fix as string).split('\n')[0]?.replace('Add to pg_hba.conf: ', '');
  expect(line).toBe('host "postgres" "capture" 127.0.0.1/32 scram-sha-256');
  await writeFile(path, `${await readFile(path, 'utf8')}\n${line}\n`);
  await reload();
  await expect.poll(async () => levelOf(await check('rowcast', connection), 'reachable')).toBe('ok');
});
