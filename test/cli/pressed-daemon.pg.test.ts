import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, freshDatabase } from '../support/postgres.ts';
import { type BuiltCommand, buildCommand, type Run } from './command.ts';
import { makeWorkplace, sinkConfig, sourceConfig } from './workplace.ts';

let command: BuiltCommand;
beforeAll(async () => {
  command = await buildCommand();
});
afterAll(() => command[Symbol.asyncDispose]());

async function stopped(run: Run): Promise<void> {
  run.process.kill('SIGTERM');
  const { code, output } = await run.ended;
  expect(code, output).toBe(0);
}

/** How often the daemon is told to stop; more often by hand. */
const STOPS = Number(process.env.STOPS ?? 3);

test('told to stop twice at any moment it ends, and nothing is lost or doubled', async () => {
  await using source = await freshDatabase('stops_source');
  await using replica = await freshDatabase('stops_replica');
  await using place = await makeWorkplace();
  await source.query(`create table item (id int primary key, note text);
    create table log (n int); alter table log replica identity full`); // a row of log that is applied twice is there twice
  await place.write('a.json', { name: 'source', config: sourceConfig(source.settings, 'stops') });
  await place.write('b.json', { name: 'sink', config: sinkConfig(replica.settings, 'stops') });
  // A busy machine may take long to begin and to end; who hangs does not end at all.
  const patience = { ROWCAST_TASK_SHUTDOWN_GRACEFUL_TIMEOUT_MS: '600000' };
  for (let round = 0; round < STOPS; round++) {
    const run = place.start(command, [], patience);
    const told = stopTwice(run);
    for (let n = 0; run.process.exitCode === null && run.process.signalCode === null; n++) {
      const id = round * 100_000 + n;
      await source.query(`insert into item values (${id}, 'x'); insert into log values (${n});
        update item set note = 'y' where id = ${id - 3}; delete from item where id = ${id - 7}`);
    }
    await told;
    const { code, output } = await run.ended;
    // The signal itself ends it before it listens for signals, and late after the first one.
    if (code !== 0) expect(run.process.signalCode, output).toBe('SIGTERM');
    expect(output).not.toContain('"level":"error"');
    if (STOPS > 3) console.log(run.process.signalCode ?? code, output.match(/(?<="event":")[^"]*/g)?.join(' '));
  }
  const last = place.start(command);
  await expectSame(source, replica, ['item', 'log']);
  await stopped(last);
});

/** At a moment between its start and its being busy, and again while it ends, or when it has ended. */
async function stopTwice(run: Run): Promise<void> {
  const lines = Math.floor(Math.random() * 6);
  await expect.poll(() => run.output().split('\n').length, { timeout: 60_000 }).toBeGreaterThan(lines);
  for (const longest of [500, 1500]) {
    await sleep(Math.random() * longest);
    run.process.kill('SIGTERM');
  }
}

/** Waits until both sides have the same rows, each of them as often, and at least one. */
async function expectSame(source: Database, replica: Database, tables: readonly string[]): Promise<void> {
  for (const table of tables) {
    const rows = async (database: Database): Promise<unknown> =>
      await database
        .query(`select count(*), md5(string_agg(each::text, ' ' order by each::text)) from public.${table} each`)
        .catch(() => 'no table yet');
    await expect.poll(() => rows(replica), { timeout: 60_000 }).toEqual(await rows(source));
  }
}

test('without a file descriptor left it says so, loses nothing, and goes on when there are some', async ({ skip }) => {
  const limit = (run: Run, soft: number): void => {
    const args = ['--pid', String(run.process.pid), `--nofile=${soft}:`];
    const { error, stderr } = spawnSync('prlimit', args, { encoding: 'utf8' });
    if (error !== undefined) skip(`no prlimit: ${error.message}`);
    expect(stderr).toBe('');
  };
  await using source = await freshDatabase('files_source');
  await using replica = await freshDatabase('files_replica');
  await using place = await makeWorkplace();
  await source.query('create table item (id int primary key); insert into item values (1)');
  await place.write('a.json', { name: 'source', config: sourceConfig(source.settings, 'few') });
  await place.write('b.json', { name: 'sink', config: sinkConfig(replica.settings, 'few') });
  const run = place.start(command);
  await expectSame(source, replica, ['item']);
  await expect.poll(() => run.output(), { timeout: 30_000 }).toMatch(/streaming[^]*streaming/);
  limit(run, 3); // what is open stays so
  await source.query('insert into item values (2); create table later (id int); insert into later values (1)');
  await endSessions(replica);
  await endSessions(source);
  for (const name of ['source', 'sink']) {
    const said = `"connector":"${name}","message":"[^\n]*EMFILE[^\n]*"advice":"[^"]*limit of open files`;
    await expect.poll(() => run.output(), { timeout: 60_000 }).toMatch(new RegExp(said));
  }
  await source.query('insert into item values (3); insert into later values (2)');
  limit(run, 1024);
  await expectSame(source, replica, ['item', 'later']);
  await stopped(run);
  expect(run.output()).not.toContain('"level":"error"');
});

async function endSessions(database: Database): Promise<void> {
  await database.query(`select pg_terminate_backend(pid, 10000) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`);
}
