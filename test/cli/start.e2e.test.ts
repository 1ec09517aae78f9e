import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { freshDatabase } from '../support/postgres.ts';
import { type BuiltCommand, buildCommand, root, type Run } from './command.ts';
import { makeWorkplace, sinkConfig, sourceConfig } from './workplace.ts';

let command: BuiltCommand;
let state: string;

beforeAll(async () => {
  command = await buildCommand();
  state = await mkdtemp(join(tmpdir(), 'rowcast-test-'));
});
afterAll(async () => {
  await command[Symbol.asyncDispose]();
  await rm(state, { recursive: true, force: true });
});

const PORT = ['--listeners', 'http://127.0.0.1:0'];

function environment(
  prefix: string,
  { host, port, user, password, database }: ConnectionSettings,
): Record<string, string> {
  return {
    [`${prefix}_HOST`]: host,
    [`${prefix}_PORT`]: String(port),
    [`${prefix}_USER`]: user,
    [`${prefix}_PASSWORD`]: password ?? '',
    [`${prefix}_DATABASE`]: database,
  };
}

async function stopped(run: Run): Promise<string> {
  run.process.kill('SIGTERM');
  const { code, output } = await run.ended;
  expect(code, output).toBe(0);
  return output;
}

test('start replicates until SIGTERM, resumes where it was, even after a kill, and never prints a password', async () => {
  await using source = await freshDatabase('start_source');
  await using replica = await freshDatabase('start_replica');
  const env = { ...environment('SHOP_SOURCE', source.settings), ...environment('SHOP_REPLICA', replica.settings) };
  const start = (): Run =>
    command.run(['start', '--connectors', join(root, 'connectors'), '--state', state, ...PORT], env);
  const rows = async (): Promise<number> => {
    const [table] = await replica.query<{ there: boolean }>(`select to_regclass('public.item') is not null as there`);
    if (!table?.there) return -1;
    return Number((await replica.query<{ n: string }>('select count(*) as n from public.item'))[0]?.n);
  };
  await source.query(`create table item (id int primary key, note text);
    insert into item select i, 'note ' || i from generate_series(1, 10) i`);

  const first = start();
  await expect.poll(rows, { timeout: 60_000 }).toBe(10);
  await source.query(`insert into item values (11, 'streamed')`);
  await expect.poll(rows, { timeout: 60_000 }).toBe(11);
  await expect.poll(() => first.output(), { timeout: 60_000 }).toContain('"msg":"streaming"');
  const output = await stopped(first);
  // Who wrote a row that is copied once and never changed: a second copy would write it anew.
  const writer = async (): Promise<unknown> => await replica.query(`select xmin::text from public.item where id = 6`);
  const copied = await writer();

  await source.query(`insert into item values (12, 'while it was away')`);
  const second = start();
  await expect.poll(rows, { timeout: 60_000 }).toBe(12);
  second.process.kill('SIGKILL');
  await second.ended;

  await source.query(`delete from item where id <= 5`);
  const third = start();
  await expect.poll(rows, { timeout: 60_000 }).toBe(7);
  const outputs = [output, second.output(), await stopped(third)].join('');
  expect(await writer()).toEqual(copied);
  expect(outputs).not.toContain(source.settings.password);
});

test('start names everything that is wrong with its files and exits with 1', async () => {
  const { code, output } = await command.run(['start', '--connectors', join(root, 'connectors'), '--state', state])
    .ended;
  expect(output).toContain('shop-source.json: database.hostname refers to the environment variable SHOP_SOURCE_HOST');
  expect(output).toContain('shop-replica.json: connection.url refers to the environment variable SHOP_REPLICA_HOST');
  expect(code).toBe(1);
});

test('an empty directory is waited at, and every file that comes, fails, goes and comes back is heard of', async () => {
  await using source = await freshDatabase('start_files');
  await using place = await makeWorkplace();
  await source.query('create table item (id int primary key)');
  const run = place.start(command);
  const says = async (text: string): Promise<void> => {
    await expect.poll(() => run.output(), { timeout: 30_000 }).toContain(text);
  };
  await says('no connector files yet, waiting for some');
  expect(await (await fetch(`${await place.url()}/connectors`)).json()).toEqual([]);
  const config = sourceConfig(source.settings, 'files');
  await place.write('a.json', { name: 'orders', config });
  await says('"msg":"streaming"');
  await place.write('b.json', { name: 'orders', config });
  await says('already has the name \\"orders\\"');
  await place.write('a.json', '{');
  await says('until then its last valid configuration runs on');
  await place.remove('b.json');
  await place.remove('a.json');
  await says('connector removed, nothing was deleted on the servers');
  await says('rowcast delete orders --drop-slot');
  await says('replication slot is used by no connector any more');
  expect(run.output().match(/connector restarted/g)).toBeNull();
  await stopped(run);
  expect(existsSync(join(place.state, 'daemon.json'))).toBe(false);
});

test('a slot that was left behind is told of at the next start', async () => {
  await using source = await freshDatabase('start_orphan');
  await using place = await makeWorkplace();
  await source.query('create table item (id int primary key)');
  await place.write('a.json', { name: 'first', config: sourceConfig(source.settings, 'orphan_a') });
  const first = place.start(command);
  await expect.poll(() => first.output(), { timeout: 30_000 }).toContain('"msg":"streaming"');
  await stopped(first);
  await place.remove('a.json');
  await place.write('b.json', { name: 'second', config: sourceConfig(source.settings, 'orphan_b') });
  const second = place.start(command);
  await expect.poll(() => second.output(), { timeout: 30_000 }).toContain('used by no connector any more');
  const line = second
    .output()
    .split('\n')
    .find((each) => each.includes('used by no connector any more'));
  expect(JSON.parse(line ?? '')).toMatchObject({ slot: 'orphan_a_slot', connector: 'first', level: 'warn' });
  await stopped(second);
  await place.remove('b.json');
  const third = place.start(command);
  await expect.poll(() => third.output().split('not looked at').length, { timeout: 30_000 }).toBe(3);
  await stopped(third);
});

test('a connector that failed starts again when its file is written again', async () => {
  await using source = await freshDatabase('start_again');
  await using place = await makeWorkplace();
  await source.query('create table item (id int primary key)');
  const config = sourceConfig(source.settings, 'again', { 'publication.autocreate.mode': 'disabled' });
  await place.write('a.json', { name: 'again', config });
  const run = place.start(command);
  await expect.poll(() => run.output(), { timeout: 30_000 }).toContain('"msg":"connector failed"');
  await source.query('create publication again_publication for table item');
  await place.write('a.json', { name: 'again', config });
  await expect.poll(() => run.output(), { timeout: 30_000 }).toContain('"msg":"streaming"');
  await stopped(run);
});

test('without watching it ends with its connectors: 0 when they have finished, 1 when one has failed', async () => {
  await using source = await freshDatabase('start_once');
  await using place = await makeWorkplace();
  await source.query('create table item (id int primary key); insert into item values (1)');
  const config = sourceConfig(source.settings, 'once', { 'snapshot.mode': 'initial_only' });
  await place.write('a.json', { name: 'once', config });
  const { code, output } = await place.start(command, ['--no-watch']).ended;
  expect(code, output).toBe(0);
  const wrong = { ...config, 'database.dbname': 'nowhere' };
  await place.write('a.json', { name: 'once', config: wrong });
  const failed = await place.start(command, ['--no-watch']).ended;
  expect(failed.output).toContain('"msg":"connector failed"');
  expect(failed.code, failed.output).toBe(1);
});

test('a second daemon on a state directory is told who has it, with Kafka too, and the first goes on', async () => {
  await using source = await freshDatabase('start_locked');
  await using place = await makeWorkplace();
  await source.query('create table item (id int primary key)');
  await place.write('a.json', { name: 'locked', config: sourceConfig(source.settings, 'locked') });
  const first = place.start(command);
  await place.url();
  for (const more of [[], ['--bootstrap-servers', '127.0.0.1:9']]) {
    const { code, output } = await place.start(command, more).ended;
    expect(output).toContain(`State directory "${place.state}" is open in process ${first.process.pid}`);
    expect(code).toBe(1);
  }
  await stopped(first);
});

test('Kafka that does not answer is waited for, and said; SIGTERM ends the wait', async () => {
  await using replica = await freshDatabase('start_kafka');
  await using place = await makeWorkplace();
  await place.write('a.json', { name: 'waits', config: sinkConfig(replica.settings, 'waits') });
  const run = place.start(command, ['--bootstrap-servers', '127.0.0.1:9']);
  await expect.poll(() => run.output(), { timeout: 60_000 }).toContain('Kafka does not answer and is waited for');
  await stopped(run);
});

test('a daemon that runs shows offsets and deletes a connector, which does not come back', async () => {
  await using source = await freshDatabase('start_delete');
  await using place = await makeWorkplace();
  await source.query('create table item (id int primary key)');
  await place.write('a.json', { name: 'orders', config: sourceConfig(source.settings, 'gone') });
  const run = place.start(command);
  await expect.poll(() => run.output(), { timeout: 30_000 }).toContain('"msg":"streaming"');
  const where = ['--connectors', place.connectors, '--state', place.state];
  const offsets = await command.run(['offsets', ...where]).ended;
  expect(offsets.output).toContain('orders');
  expect(offsets.code, offsets.output).toBe(0);
  const { code, output } = await command.run(['delete', 'orders', '--drop-slot', '--yes', ...where]).ended;
  expect(code, output).toBe(0);
  expect(output).toContain('slot "gone_slot" is dropped');
  expect(await source.query(`select 1 from pg_replication_slots where slot_name = 'gone_slot'`)).toEqual([]);
  expect(existsSync(join(place.connectors, 'a.json'))).toBe(false);
  expect(await stopped(run)).not.toContain('connector restarted');
});

test('a failure that nobody caught is logged with its stack and ends the process with 1', async () => {
  await using place = await makeWorkplace();
  const fail = `process.on('SIGUSR2',()=>Promise.reject(new Error('nobody caught me')))`;
  const preload = `--import=data:text/javascript,${encodeURIComponent(fail)}`;
  const run = place.start(command, [], { NODE_OPTIONS: preload });
  await place.url(); // it is up
  run.process.kill('SIGUSR2');
  const { code, output } = await run.ended;
  const line = output.split('\n').find((each) => each.includes('daemon crashed'));
  expect(JSON.parse(line ?? '{}')).toMatchObject({
    level: 'error',
    message: 'nobody caught me',
    stack: expect.stringContaining('Error: nobody caught me') as unknown,
  });
  expect(code).toBe(1);
});

test('wrong usage exits with 2, help with 0', async () => {
  expect((await command.run(['demo', '--seconds', 'many']).ended).code).toBe(2);
  expect((await command.run(['strat']).ended).output).toContain('Did you mean start?');
  const help = await command.run(['demo', '--help']).ended;
  expect(help.code).toBe(0);
  expect(help.output).toContain('--kafka');
  expect(help.output).not.toContain('--corrupt');
});
