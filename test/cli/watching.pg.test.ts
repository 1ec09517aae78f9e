import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, freshDatabase, uniqueName } from '../support/postgres.ts';
import { type BuiltCommand, buildCommand } from './command.ts';
import { makeWorkplace, sinkConfig, sourceConfig, type Workplace } from './workplace.ts';

const PATIENCE = { timeout: 90_000 };

let command: BuiltCommand;
let source: Database;
let replica: Database;
let place: Workplace;
beforeAll(async () => {
  command = await buildCommand();
  source = await freshDatabase('watching_source');
  replica = await freshDatabase('watching_replica');
  place = await makeWorkplace();
});
afterAll(async () => {
  await command[Symbol.asyncDispose]();
  await source[Symbol.asyncDispose]();
  await replica[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

async function health(): Promise<{ readonly status: string; readonly message: string }> {
  return (await (await fetch(`${await place.url()}/health`)).json()) as { status: string; message: string };
}

async function metrics(): Promise<string> {
  return await (await fetch(`${await place.url()}/metrics`)).text();
}

/** The value of a sample whose labels are these in full; undefined when there is none. */
async function sample(name: string): Promise<number | undefined> {
  const line = (await metrics()).split('\n').find((each) => each.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length));
}

test('a daemon goes on by itself when a person has acted, and shows what it does in numbers', async () => {
  await source.query(`create table item (id int primary key, note text); insert into item values (1, 'copied')`);
  const slot = uniqueName('watching_slot');
  const budget = { 'slot.watch.interval.ms': '200', 'slot.budget.bytes': String(64 * 1024 ** 2) };
  await place.write('shop.json', {
    name: 'shop',
    config: sourceConfig(source.settings, 'shop', { 'slot.name': slot, ...budget }),
  });
  await place.write('replica.json', {
    name: 'replica',
    config: sinkConfig(replica.settings, 'shop', { 'auto.create': 'false' }),
  });
  const run = place.start(command, [], { ROWCAST_TASK_RESUME_INTERVAL_MS: '300' });
  await expect
    .poll(() => health(), PATIENCE)
    .toMatchObject({ status: 'unhealthy', message: expect.stringContaining('replica has failed') });
  const failures = 'rowcast_connector_failures_total{connector="replica",kind="operator"}';
  await expect.poll(() => sample(failures), PATIENCE).toBeGreaterThan(1);
  expect(run.output().match(/"event":"connector.failed","connector":"replica"/g)).toHaveLength(1);

  await replica.query('create table item (id int primary key, note text)');
  await expect.poll(async () => (await replica.query('select * from item')).length, PATIENCE).toBe(1);
  await source.query(`insert into item values (2, 'streamed'), (3, 'streamed'); delete from item where id = 1`);
  const changes = (operation: string): string =>
    `rowcast_sink_table_changes_total{connector="replica",task="0",table="public.item",operation="${operation}"}`;
  await expect.poll(() => sample(changes('delete')), PATIENCE).toBe(1);
  expect(await sample(changes('copy'))).toBe(1);
  expect(await sample(changes('insert'))).toBe(2);
  expect(await health()).toMatchObject({ status: 'healthy' });

  await expect.poll(() => sample('rowcast_slot_active{connector="shop"}'), PATIENCE).toBe(1);
  for (const name of ['rowcast_source_lag_bytes', 'rowcast_source_lag_transactions', 'rowcast_source_lag_seconds'])
    expect(await sample(`${name}{connector="shop",task="0"}`), name).toBeGreaterThanOrEqual(0);
  for (const name of ['rowcast_sink_lag_bytes', 'rowcast_sink_lag_seconds', 'rowcast_sink_batch_seconds_sum'])
    expect(await sample(`${name}{connector="replica",task="0"}`), name).toBeGreaterThanOrEqual(0);
  expect(await sample('rowcast_source_batch_bytes_count{connector="shop",task="0"}')).toBeGreaterThan(0);

  // What somebody else leaves open keeps every slot of the server where it is.
  const other = await freshDatabase('watching_other');
  await other.query('begin; select pg_current_xact_id()');
  await source.query(
    `select max(pg_logical_emit_message(false, 'filler', repeat('x', 1048576))) from generate_series(1, 40)`,
  );
  await expect
    .poll(() => health(), PATIENCE)
    .toMatchObject({ status: 'degraded', message: expect.stringContaining('of 64 MB (slot.budget.bytes)') });
  expect(run.output()).toMatch(/"event":"slot.(warning|critical)","connector":"shop"/);
  await other.query('rollback');
  await other[Symbol.asyncDispose]();

  const page = await metrics();
  const promtool = spawnSync('promtool', ['check', 'metrics'], { input: page, encoding: 'utf8' });
  if (promtool.error === undefined) expect(promtool.stdout + promtool.stderr).toBe('');
  run.process.kill('SIGTERM');
  expect((await run.ended).code).toBe(0);
});
