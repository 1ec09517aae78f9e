import { chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeError, OperatorError, ShortageError, TransientError } from '../../src/errors.ts';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { connect } from '../../src/postgres/connect.ts';
import { sqlState } from '../../src/postgres/errors.ts';
import { startPostgres } from '../../src/servers/postgres-server.ts';
import { fillDisk, mountSmallDisk } from '../../src/torture/faults/disk-full.ts';
import { type Database, freshDatabase, uniqueName } from '../support/postgres.ts';
import { eventually, Replication } from './replication.ts';

const OTHER = 'rowcast test in the way';

/** A replication that runs. Rows of `log` have no key: one that is applied twice is there twice. */
async function running(source: Database, target: ConnectionSettings): Promise<Replication> {
  await source.query(/* sql */ `create table log (n int, v text); insert into log values (0, 'copied');
    create table a (id int primary key, v text); insert into a select g, 'copied' from generate_series(1, 3) g;
    create table b as table a; alter table b add primary key (id);
    create table c as table a; alter table c add primary key (id)`);
  const sink = { lockTimeoutMs: 60_000 }; // who waits for a lock is let wait
  const replication = await Replication.open({ source: source.settings, target, sink, resumeMs: 100 });
  replication.startSource();
  replication.startSink();
  await replication.settled();
  return replication;
}

/** Writes that the replica cannot take now. */
async function write(source: Database, round: string): Promise<void> {
  await source.query(/* sql */ `update a set v = '${round}' where id = 2; insert into log values (1, '${round}')`);
}

/** Nothing is lost and nothing doubled: what was copied is there, and so many rows that came later. */
async function expectSame(replication: Replication, later: number): Promise<void> {
  await replication.settled();
  expect(await replication.expectEqual('log', 'a', 'b', 'c')).toBe(1 + 9 + later);
}

async function failsFor(replication: Replication, which: 'lastFailure' | 'lastRetry', state: string): Promise<unknown> {
  const found = (): boolean => sqlState(replication[which]) === state;
  await eventually(found, () => `SQLSTATE ${state}; there is: ${describeError(replication[which])}`);
  return replication[which];
}

test('a replica that becomes a standby is told to be read-only, and gone on with when it is promoted', async () => {
  await using source = await freshDatabase('reads_source');
  await using server = await startPostgres();
  const target = await server.createDatabase('shop');
  await using replication = await running(source, target);
  await server.stop();
  await writeFile(join(server.directory, 'standby.signal'), '');
  await server.start();
  await write(source, 'while it reads');
  const failure = await failsFor(replication, 'lastFailure', '25006');
  expect(failure).toBeInstanceOf(OperatorError);
  expect(failure).toMatchObject({ advice: 'Connect to the primary: this server is read-only.' });

  const client = await connect(target, 'rowcast test');
  expect((await client.query(`select from public.log`)).rowCount).toBe(1);
  await client.query('select pg_promote()');
  await client.end();
  await expectSame(replication, 1);
});

/** A replica whose role is no superuser, and its sink at work. */
async function ofRole(source: Database, target: Database, role: string): Promise<Replication> {
  await target.query(`create role ${role} login password 'first'; alter schema public owner to ${role};
    grant create on database ${target.settings.database} to ${role}`);
  return await running(source, { ...target.settings, user: role, password: 'first' });
}

/** What the server says of new sessions is met by who has to make one. */
async function endSessions(target: Database, role: string): Promise<void> {
  await target.query(`select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = '${role}'`);
}

async function drop(target: Database, role: string): Promise<void> {
  await target.query(`alter schema public owner to postgres; drop owned by ${role} cascade; drop role ${role}`);
}

test('a replica that shall be read-only by default is written all the same', async () => {
  await using source = await freshDatabase('default_source');
  await using target = await freshDatabase('default_target');
  await using replication = await running(source, target.settings);
  await target.query(`alter database ${target.settings.database} set default_transaction_read_only = on;
    select pg_terminate_backend(pid, 10000) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`);
  await write(source, 'by default');
  await expectSame(replication, 1);
  expect(replication.lastFailure).toBeUndefined();
});

test('a password that is changed is told, and the sink goes on when it is set back', async () => {
  await using source = await freshDatabase('password_source');
  await using target = await freshDatabase('password_target');
  const role = uniqueName('password_role');
  {
    await using replication = await ofRole(source, target, role);
    await target.query(`alter role ${role} password 'second'`);
    await write(source, 'while it lasts'); // who is logged in stays so
    await replication.settled();
    expect(replication.lastFailure).toBeUndefined();

    await endSessions(target, role);
    await write(source, 'locked out');
    const failure = await failsFor(replication, 'lastFailure', '28P01');
    expect(failure).toBeInstanceOf(OperatorError);
    expect(failure).toMatchObject({ advice: "Check user, password and the server's pg_hba.conf." });
    expect(describeError(failure)).toContain(`password authentication failed for user "${role}"`);
    await target.query(`alter role ${role} password 'first'`);
    await expectSame(replication, 2);
  }
  await drop(target, role);
});

test('a replica that takes no more connections is tried again until it does', async () => {
  await using source = await freshDatabase('connections_source');
  await using target = await freshDatabase('connections_target');
  const { database } = target.settings;
  const role = uniqueName('connections_role');
  {
    await using replication = await ofRole(source, target, role);
    for (const [n, limited] of [`role ${role}`, `database ${database}`].entries()) {
      await target.query(`alter ${limited} connection limit 0`);
      await endSessions(target, role);
      await write(source, `limited by the ${limited}`);
      const failure = await failsFor(replication, 'lastRetry', '53300');
      expect(failure).toBeInstanceOf(TransientError);
      expect(failure).not.toBeInstanceOf(ShortageError); // it is tried again soon
      expect(describeError(failure)).toMatch(/too many connections for (role|database)/);
      expect(failure).toMatchObject({ advice: expect.stringContaining('connection limit') as string });
      await target.query(`alter ${limited} connection limit -1`);
      await expectSame(replication, 1 + n);
      replication.lastRetry = undefined;
    }
    expect(replication.lastFailure).toBeUndefined();
  }
  await drop(target, role);
});

/** A client of the replica that is in a transaction, in the way of the sink. */
async function inTheWay(target: Database, ...statements: readonly string[]) {
  const client = await connect(target.settings, OTHER, { deadlock_timeout: '1h' });
  await client.query('begin');
  for (const statement of statements) await client.query(statement);
  return client;
}

/** How many sessions of the replica wait for locks. */
async function waiting(target: Database, application: string): Promise<number> {
  const [row] = await target.query<{ n: number }>(/* sql */ `select count(*)::int as n from pg_stat_activity
    where datname = current_database() and application_name like '${application}%' and wait_event_type = 'Lock'`);
  return row?.n ?? 0;
}

test('a deadlock of which the sink is the victim is tried again, and each row is there once', async () => {
  await using source = await freshDatabase('deadlock_source');
  await using target = await freshDatabase('deadlock_target');
  await target.query(`alter database ${target.settings.database} set deadlock_timeout = '50ms'`);
  await using replication = await running(source, target.settings);
  // The sink has a and waits for b, the other has c and waits for a. Then the sink gets b and wants c: it closes the circle, and is who looks for it.
  const gate = await inTheWay(target, `update public.b set v = 'gate'`);
  const other = await inTheWay(target, `update public.c set v = 'other'`);
  await source.query(`begin; insert into log values (1, 'deadlock'); update a set v = 'y'; update b set v = 'y';
    update c set v = 'y'; commit`);
  await eventually(async () => (await waiting(target, 'rowcast sink')) === 1, 'the sink to wait');
  const blocked = other.query(`update public.a set v = 'other'`);
  await eventually(async () => (await waiting(target, OTHER)) === 1, 'the other to wait');
  await gate.query('rollback');
  const failure = await failsFor(replication, 'lastRetry', '40P01');
  expect(failure).toBeInstanceOf(TransientError);
  expect(describeError(failure)).toContain('deadlock detected');
  await blocked; // the sink has let go
  await other.query('rollback');
  await expectSame(replication, 1);
  for (const client of [gate, other]) await client.end();
});

test('a deadlock of which another is the victim is nothing to the sink', async () => {
  await using source = await freshDatabase('victim_source');
  await using target = await freshDatabase('victim_target');
  await target.query(`alter database ${target.settings.database} set deadlock_timeout = '1h'`);
  await using replication = await running(source, target.settings);
  const other = await inTheWay(target, `set deadlock_timeout = '50ms'`, `update public.b set v = 'other'`);
  await source.query(
    `begin; update a set v = 'y'; insert into log values (1, 'deadlock'); update b set v = 'y'; commit`,
  );
  await eventually(async () => (await waiting(target, 'rowcast sink')) === 1, 'the sink to wait');
  await expect(other.query(`update public.a set v = 'other'`)).rejects.toThrow('deadlock detected');
  await other.end();
  await expectSame(replication, 1);
  expect(sqlState(replication.lastRetry)).not.toBe('40P01');
});

test('a row that somebody moves to another partition and back fails to serialize, and is written after that', async () => {
  await using source = await freshDatabase('serial_source');
  await using target = await freshDatabase('serial_target');
  await target.query(`create table b (id int primary key, v text) partition by range (id);
    create table b_low partition of b for values from (0) to (50);
    create table b_high partition of b for values from (50) to (100)`);
  await using replication = await running(source, target.settings);
  const other = await inTheWay(
    target,
    `update public.b set id = 70 where id = 2`,
    `update public.b set id = 2 where id = 70`,
  );
  await source.query(`begin; insert into log values (1, 'moved'); update b set v = 'y' where id = 2; commit`);
  await eventually(async () => (await waiting(target, 'rowcast sink')) === 1, 'the sink to wait');
  await other.query('commit');
  const failure = await failsFor(replication, 'lastRetry', '40001');
  expect(failure).toBeInstanceOf(TransientError);
  expect(describeError(failure)).toContain('moved to another partition');
  await other.end();
  await expectSame(replication, 1);
});

test('a replica whose disk is full is tried again, and gone on with when there is room', async ({ skip }) => {
  await using source = await freshDatabase('full_source');
  await using admin = await freshDatabase('full_admin');
  const directory = await mkdtemp(join(tmpdir(), 'rowcast-full-'));
  const tablespace = uniqueName('full_disk');
  try {
    await using _disk = await mountSmallDisk(directory, 16).catch((error: unknown) => skip(describeError(error)));
    const [{ data_directory: data } = { data_directory: '' }] = await admin.query<{ data_directory: string }>(
      'show data_directory',
    );
    const { uid, gid } = await stat(data);
    await chown(directory, uid, gid);
    await admin.query(`create tablespace ${tablespace} location '${directory}'`);
    {
      await using target = await freshDatabase('full_target');
      await admin.query(`alter database ${target.settings.database} set default_tablespace = ${tablespace}`);
      await using replication = await running(source, target.settings);
      const ballast = join(directory, 'ballast');
      await fillDisk(ballast);
      await source.query(`insert into log select g, repeat('x', 1000) from generate_series(1, 2000) g`);
      const failure = await failsFor(replication, 'lastRetry', '53100');
      expect(failure).toBeInstanceOf(ShortageError);
      expect(describeError(failure)).toContain('No space left on device');
      await write(source, 'still full');
      await rm(ballast);
      await expectSame(replication, 2001);
      expect(replication.lastFailure).toBeUndefined();
    }
    await admin.query(`drop tablespace ${tablespace}`);
  } finally {
    await rm(directory, { recursive: true });
  }
});
