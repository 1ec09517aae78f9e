import { spawnSync } from 'node:child_process';
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
