import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { freshDatabase } from '../support/postgres.ts';
import { type BuiltCommand, buildCommand, root, type Run } from './command.ts';

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
  const start = (): Run => command.run(['start', '--connectors', join(root, 'connectors'), '--state', state], env);
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

test('wrong usage exits with 2, help with 0', async () => {
  expect((await command.run(['demo', '--seconds', 'many']).ended).code).toBe(2);
  expect((await command.run(['strat']).ended).output).toContain('Did you mean start?');
  const help = await command.run(['demo', '--help']).ended;
  expect(help.code).toBe(0);
  expect(help.output).toContain('--kafka');
  expect(help.output).not.toContain('--corrupt');
});
