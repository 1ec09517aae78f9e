import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../src/postgres/connect.ts';
import { compareTable } from '../../src/verify/compare.ts';
import { type Database, freshDatabase } from '../support/postgres.ts';
import { type BuiltCommand, buildCommand } from './command.ts';
import { makeWorkplace, sinkConfig, sourceConfig, type Workplace } from './workplace.ts';

let command: BuiltCommand;
let source: Database;
let target: Database;

beforeAll(async () => {
  command = await buildCommand();
  source = await freshDatabase('triggers_from');
  target = await freshDatabase('triggers_to');
  await source.query(`create table orders (id int primary key, note text); create table line (order_id int, n int);
    insert into orders select g, 'order ' || g from generate_series(1, 2000) g`);
});
afterAll(async () => {
  await command?.[Symbol.asyncDispose]();
  await source?.[Symbol.asyncDispose]();
  await target?.[Symbol.asyncDispose]();
});

async function pair(more: Readonly<Record<string, string>> = {}): Promise<Workplace> {
  const place = await makeWorkplace();
  const { 'slot.name': _, 'publication.name': __, ...config } = sourceConfig(source.settings, 'shop');
  await place.write('from.json', {
    name: 'from',
    config: { ...config, 'connector.class': 'PostgresTriggerSource', 'trigger.name': 'shop', ...more },
  });
  await place.write('to.json', { name: 'to', config: sinkConfig(target.settings, 'shop') });
  return place;
}

async function rowcast(
  place: Workplace,
  name: string,
  ...more: string[]
): Promise<{ code: number | null; output: string }> {
  const flags = [name, ...more, '--connectors', place.connectors, '--state', place.state];
  return await command.run(flags, { ROWCAST_LISTENERS: 'http://127.0.0.1:0' }).ended;
}

const installed = `select to_regclass('rowcast.events_shop') is not null as events, (select count(*)::int from pg_trigger where tgname like '!rowcast%') as triggers`;

test('check prints the SQL of triggers, runs it when told to, and takes it away again', async () => {
  await using place = await pair({ 'trigger.autocreate.mode': 'disabled' });
  const before = await rowcast(place, 'check');
  expect(before.output).toContain('✗ database ' + source.settings.database + ': Capture by triggers is not set up');
  expect(before.output).toContain('✗ table public.orders: It is not captured: it has no trigger.');
  expect(before.code).toBe(1);
  const printed = await rowcast(place, 'check', '--install-triggers');
  expect(printed.output).toMatch(/^-- from: database "triggers_from.*\nbegin;\n/);
  expect(printed.output).toContain(
    'create trigger "!rowcast_shop" after insert or update or delete on "public"."orders"',
  );
  expect(printed.output).toContain('Nothing was done. Add --yes');
  expect(await source.query(installed)).toEqual([{ events: false, triggers: 0 }]);
  await source.query(printed.output.replaceAll(/^Nothing was done.*$/gm, ''));
  for (let time = 1; time <= 2; time++) {
    expect(await source.query(installed)).toEqual([{ events: true, triggers: 4 }]);
    const done = await rowcast(place, 'check', 'from', '--install-triggers', '--yes');
    expect(done.output).toContain('Triggers "shop" are set up in database');
    expect(done.code).toBe(0);
  }
  expect((await rowcast(place, 'check')).output).toMatch(
    /\n0 problems, \d+ warnings, 0 not looked at, \d+ in order\n$/,
  );
  expect((await rowcast(place, 'check', 'to', '--install-triggers')).output).toContain(
    'None of the connectors captures by triggers',
  );
  expect((await rowcast(place, 'check', '--install-triggers', '--remove-triggers')).code).toBe(2);
  expect((await rowcast(place, 'check', '--remove-triggers', '--yes')).code).toBe(0);
  expect(await source.query(installed)).toEqual([{ events: false, triggers: 0 }]);
  expect(await source.query(`select from pg_namespace where nspname = 'rowcast'`)).toEqual([]);
});

test('a daemon that is killed while it captures by triggers neither loses nor doubles a row', async () => {
  await using place = await pair();
  for (let kill = 1; kill <= 3; kill++) {
    const run = place.start(command);
    await expect.poll(() => run.output(), { timeout: 60_000 }).toContain('"msg":"streaming"');
    const writer = await connect(source.settings, 'writer', { search_path: 'public' });
    for (let i = 0; i < 200; i++) {
      await writer.query(
        `insert into line values (${i}, ${kill}), (${i}, ${kill}); update orders set note = note || '${kill}' where id % 200 = ${i}`,
      );
      if (i === 120) {
        run.process.kill('SIGKILL');
        await once(run.process, 'close');
      }
    }
    await writer.end();
  }
  const last = place.start(command);
  const isEqual = async (name: string): Promise<boolean> => {
    const comparison = await compareTable(source.client, target.client, { schema: 'public', name }).catch(
      () => undefined,
    );
    return comparison !== undefined && comparison.difference === undefined && comparison.rows > 0;
  };
  await expect.poll(() => isEqual('line'), { timeout: 60_000 }).toBe(true);
  await expect.poll(() => isEqual('orders'), { timeout: 60_000 }).toBe(true);
  last.process.kill('SIGTERM');
  const { code, output } = await last.ended;
  expect(code, output).toBe(0);
  const shown = await rowcast(place, 'offsets');
  expect(shown.output).toMatch(/from \(source\)\n {2}log {5}#\d+ at checkpoint \d+/);
  const reset = await rowcast(place, 'offsets', 'reset', 'from', '--yes');
  expect(reset.output).toContain('how far triggers "shop" were read is dropped');
  const again = place.start(command);
  await source.query(`delete from line where n = 1`);
  await expect.poll(() => again.output(), { timeout: 60_000 }).toContain('"msg":"streaming"');
  await expect.poll(() => isEqual('line'), { timeout: 60_000 }).toBe(true);
  again.process.kill('SIGTERM');
  await again.ended;
  const deleted = await rowcast(place, 'delete', 'from', '--drop-slot', '--yes');
  expect(deleted.output).toContain('from: triggers "shop" and their events are dropped');
  expect(await source.query(installed)).toEqual([{ events: false, triggers: 0 }]);
});
