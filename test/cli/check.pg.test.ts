import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { ConnectorFinding } from '../../src/worker/preflight.ts';
import { type Database, freshDatabase, uniqueName } from '../support/postgres.ts';
import { type BuiltCommand, buildCommand } from './command.ts';
import { makeWorkplace, sinkConfig, sourceConfig, type Workplace } from './workplace.ts';

let command: BuiltCommand;
let source: Database;
let target: Database;

beforeAll(async () => {
  command = await buildCommand();
  source = await freshDatabase('check_from');
  target = await freshDatabase('check_to');
  await source.query(`create table orders (id int primary key, at point); insert into orders values (1, '(1, 2)')`);
});
afterAll(async () => {
  await command?.[Symbol.asyncDispose]();
  await source?.[Symbol.asyncDispose]();
  await target?.[Symbol.asyncDispose]();
});

async function check(place: Workplace, ...more: string[]): Promise<{ code: number | null; output: string }> {
  const flags = ['check', '--connectors', place.connectors, '--state', place.state, ...more];
  return await command.run(flags, { ROWCAST_LISTENERS: 'http://127.0.0.1:0' }).ended;
}

async function findings(place: Workplace, ...more: string[]): Promise<readonly ConnectorFinding[]> {
  return JSON.parse((await check(place, '--json', ...more)).output) as ConnectorFinding[];
}

async function pair(): Promise<Workplace> {
  const place = await makeWorkplace();
  await place.write('from.json', { name: 'from', config: sourceConfig(source.settings, 'checked') });
  await place.write('to.json', { name: 'to', config: sinkConfig(target.settings, 'checked') });
  return place;
}

describe('rowcast check', () => {
  test('exits 0 when there is no problem, counts what is in order, and leaves nothing behind', async () => {
    await using place = await pair();
    const { code, output } = await check(place);
    expect(output).toMatch(/^from\n/);
    expect(output).toContain('! table public.orders: Consumers of its topic see these columns as text: at (point).');
    expect(output).toMatch(/\nto\n {2}✓ \d+ checks in order\n/);
    expect(output).toMatch(/\n0 problems, \d+ warnings, 0 not looked at, \d+ in order\n$/);
    expect(code).toBe(0);
    expect(await readdir(place.directory)).toEqual(['connectors']);
    expect((await check(place, '--verbose')).output).toContain(
      '✓ publication checked_publication: It does not exist and will be created.',
    );
  });

  test('prints the SQL of DDL replication, runs it when told to, and takes it away again', async () => {
    await using place = await pair();
    const installed = `select to_regclass('rowcast.ddl') is not null as installed, (select count(*)::int from pg_event_trigger) as triggers`;
    const printed = await check(place, '--install-ddl');
    expect(printed.output).toMatch(/^-- from: database "check_from.*\nbegin;\n/);
    expect(printed.output).toContain('Nothing was done. Add --yes');
    expect(await source.query(installed)).toEqual([{ installed: false, triggers: 0 }]);
    for (let time = 1; time <= 2; time++) {
      const done = await check(place, 'from', '--install-ddl', '--yes');
      expect(done.output).toContain('DDL replication is set up in database');
      expect(done.code).toBe(0);
      expect(await source.query(installed)).toEqual([{ installed: true, triggers: 3 }]);
    }
    expect((await check(place)).output).toMatch(/\n0 problems, \d+ warnings, 0 not looked at, \d+ in order\n$/);
    expect((await check(place, 'to', '--install-ddl')).output).toContain('None of the connectors is a source');
    expect((await check(place, '--install-ddl', '--uninstall-ddl')).code).toBe(2);
    expect((await check(place, '--uninstall-ddl', '--yes')).code).toBe(0);
    expect(await source.query(installed)).toEqual([{ installed: false, triggers: 0 }]);
    expect(await source.query(`select from pg_namespace where nspname = 'rowcast'`)).toEqual([]);
  });

  test('a role that may not set up DDL replication is told who may', async () => {
    await using place = await makeWorkplace();
    const user = uniqueName('plain');
    await source.query(
      `create role ${user} login password 'secret'; grant create on database ${source.settings.database} to ${user}`,
    );
    try {
      const settings = { ...source.settings, user, password: 'secret' };
      await place.write('from.json', { name: 'from', config: sourceConfig(settings, 'checked') });
      const { code, output } = await check(place, '--install-ddl', '--yes');
      expect(output).toContain('Cannot set up DDL replication: the role may not create event triggers');
      expect(output).toContain('as a superuser');
      expect(code).toBe(1);
      expect(await source.query(`select to_regclass('rowcast.ddl') as there`)).toEqual([{ there: null }]);
    } finally {
      await source.query(`drop owned by ${user}; drop role ${user}`);
    }
  });

  test('exits 1 with a problem, puts what mends it below, and looks at everything else', async () => {
    await using place = await pair();
    await place.write('broken.json', '{"name": "broken", ');
    await place.write('gone.json', { name: 'gone', config: sinkConfig({ ...target.settings, port: 1 }, 'checked') });
    await target.query('create table public.orders (id int primary key, at point); insert into orders values (7)');
    const { code, output } = await check(place);
    await target.query('drop table orders');
    expect(code).toBe(1);
    expect(output).toContain('broken.json: is not JSON');
    expect(output).toContain('✗ server 127.0.0.1:1: Cannot connect to database');
    expect(output).toContain(
      '  ✗ table public.orders: It has rows that the connector did not write, and target.not.empty is refuse.\n      truncate table "public"."orders"; -- or "target.not.empty": "truncate", or "adopt"\n',
    );
    expect(output).toMatch(/\n3 problems, /);
  });

  test('exits 3 when something could not be looked at', async () => {
    await using place = await makeWorkplace();
    await place.write('to.json', { name: 'to', config: sinkConfig(target.settings, 'of-nobody-here') });
    const { code, output } = await check(place);
    expect(output).toContain('? database');
    expect(code).toBe(3);
  });

  test('recommends a way of capture for a connector or a URL, and never prints a password', async () => {
    await using place = await pair();
    const { code, output } = await check(place, '--recommend', 'from');
    expect(output).toMatch(
      /^from: "connector.class": "PostgresWalSource"\n {2}✓ PostgresWalSource \(recommended\): the WAL/,
    );
    expect(code).toBe(0);
    const { host, port, user, password = '', database } = source.settings;
    const url = `postgres://${user}@${host}:${port}/${database}`;
    const env = { PGPASSWORD: password };
    const told = await command.run(['check', '--recommend', '--json', url], env).ended;
    expect(JSON.parse(told.output)).toMatchObject([
      { database: `database ${database} at ${host}:${port}`, mode: 'PostgresWalSource' },
    ]);
    const wrong = await command.run(['check', '--recommend', url], { PGPASSWORD: 'not this one' }).ended;
    expect(wrong.output).toContain('cannot be looked at');
    expect(wrong.output).not.toContain('not this one');
    expect(wrong.code).toBe(3);
    expect((await check(place, '--recommend', 'to')).output).toContain('None of the connectors is a source');
  });

  test('looks only at the connectors that are named, and exits 2 for one that is not there', async () => {
    await using place = await pair();
    const found = await findings(place, 'to');
    expect(new Set(found.map(({ connector }) => connector))).toEqual(new Set(['to', undefined]));
    expect(found.some(({ check: what, message }) => what === 'tables' && message.startsWith('0 of 1 tables'))).toBe(
      true,
    );
    const { code, output } = await check(place, 'form');
    expect(output).toContain('did you mean from?');
    expect(code).toBe(2);
  });

  test('tells of every problem of the settings, and still looks at the connectors', async () => {
    await using place = await pair();
    const { code, output } = await command.run(['check', '--connectors', place.connectors, '--state', place.state], {
      ROWCAST_LISTENERS: 'http://127.0.0.1:0',
      ROWCAST_LOG_LEVEL: 'loud',
      ROWCAST_WORKER_THREADS: 'many',
    }).ended;
    expect(output).toContain('log.level');
    expect(output).toContain('worker.threads');
    expect(output).toMatch(/from\n/);
    expect(code).toBe(1);
  });

  test('finds a port that is taken, and says where to listen instead', async () => {
    await using place = await pair();
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const { output } = await command.run(['check', '--connectors', place.connectors, '--state', place.state], {
      ROWCAST_LISTENERS: `http://127.0.0.1:${port}`,
    }).ended;
    taken.close();
    expect(output).toContain(`✗ port 127.0.0.1:${port}: Another process listens there.`);
    expect(output).toContain(`export ROWCAST_LISTENERS=http://127.0.0.1:${port + 1}`);
  });

  test('has nothing to say against a daemon that runs here, and names the one that holds its connectors elsewhere', async () => {
    await using place = await pair();
    await using elsewhere = await pair();
    const daemon = place.start(command);
    onTestFinished(() => void daemon.process.kill('SIGKILL'));
    const url = await place.url();
    const copied = async (): Promise<number> => (await target.query('select from orders').catch(() => [])).length;
    await expect.poll(copied, { timeout: 60_000 }).toBe(1);
    const own = await findings(place, '--listeners', url);
    expect(own.filter(({ level }) => level === 'problem' || level === 'unknown')).toEqual([]);
    const told = own
      .filter(({ check: what }) => ['lock', 'owner', 'listeners'].includes(what))
      .map(({ level, check: what }) => `${level} ${what}`);
    expect(told).toEqual(['ok owner', 'ok lock', 'ok lock', 'ok listeners']);
    const other = await findings(elsewhere, '--listeners', url);
    expect(other.filter(({ level }) => level === 'problem').map(({ check: what }) => what)).toEqual(['listeners']);
    expect(other.find(({ check: what }) => what === 'owner')).toMatchObject({ level: 'warning' });
    daemon.process.kill('SIGTERM');
    expect(await daemon.ended).toMatchObject({ code: 0 });
  });

  test('tells what the next start would stop at: slot, publication and owner against the log, and what mends it', async () => {
    await using from = await freshDatabase('check_resume');
    await using place = await makeWorkplace();
    const own = { 'slot.name': `resume_${from.settings.database}` };
    await from.query('create table t (id int primary key); insert into t values (1)');
    await place.write('from.json', { name: 'from', config: sourceConfig(from.settings, 'resumed', own) });
    const resume = async (): Promise<unknown> =>
      (await findings(place))
        .filter(({ check: what }) => what === 'resume')
        .map(({ level, message, fix }) => `${level} ${message} ${fix ?? ''}`);
    const make = `select pg_create_logical_replication_slot('${own['slot.name']}', 'pgoutput')`;
    const drop = `select pg_drop_replication_slot('${own['slot.name']}')`;
    expect(await resume()).toEqual([]);
    await from.query(make);
    expect(await resume()).toEqual([
      expect.stringMatching(/^problem Slot .* the log .* knows nothing of it\. select pg_drop/),
    ]);
    await from.query(drop);

    const daemon = place.start(command);
    onTestFinished(() => void daemon.process.kill('SIGKILL'));
    await place.url();
    const checkpoint = async (): Promise<unknown> =>
      (await command.run(['offsets', '--state', place.state, '--connectors', place.connectors]).ended).output;
    await expect.poll(checkpoint, { timeout: 60_000, interval: 1000 }).toMatch(/at checkpoint \d+ .*offset \d+\)$/m);
    expect(await resume()).toEqual([expect.stringMatching(/^ok /)]);
    daemon.process.kill('SIGTERM');
    expect(await daemon.ended).toMatchObject({ code: 0 });
    expect(await resume()).toEqual([expect.stringMatching(/^ok /)]);

    const mends = /rowcast offsets accept from # .*rowcast offsets reset from$/;
    await from.query(drop);
    expect(await resume()).toEqual([expect.stringMatching(/^problem Slot .* is missing/)]);
    expect(await resume()).toEqual([expect.stringMatching(mends)]);
    expect((await check(place)).code).toBe(1);
    await from.query(`insert into t values (2)`);
    await from.query(make);
    expect(await resume()).toEqual([expect.stringMatching(/^problem Slot .* stands at .* beyond the last checkpoint/)]);
    await from.query('drop publication resumed_publication; create publication resumed_publication for all tables');
    expect(await resume()).toEqual([expect.stringMatching(/^problem Publication "resumed_publication" was dropped/)]);
    expect(await resume()).toEqual([expect.stringMatching(mends)]);
    await writeFile(join(place.state, 'daemon-id'), 'somebody-else');
    expect(await resume()).toEqual([expect.stringMatching(/^problem Daemon \S+ owns it.*--take-over/)]);
    await from.query(drop);
  });

  test('leads two roles without any rights to a replica that follows, by its fixes alone', async () => {
    await using from = await freshDatabase('check_poor_from');
    await using to = await freshDatabase('check_poor_to');
    const role = `poor_${from.settings.database}`;
    await from.query(`create role ${role} login password 'as-given';
      create type mood as enum ('good'); create type pair as (a int, b mood);
      create table things (id int primary key, p pair, m mood[]); insert into things values (1, '(1,good)', '{good}');
      create table log (line text); insert into log values ('first')`);
    onTestFinished(async () => {
      await source.query(`drop role ${role}`);
    });
    await using place = await makeWorkplace();
    const as = { user: role, password: 'as-given' };
    await place.write('from.json', { name: 'from', config: sourceConfig({ ...from.settings, ...as }, 'poor') });
    await place.write('to.json', { name: 'to', config: sinkConfig({ ...to.settings, ...as }, 'poor') });
    const found = await findings(place, '--listeners', 'http://127.0.0.1:0');
    const problems = found.filter(({ level }) => level === 'problem');
    expect(problems.length).toBeGreaterThan(6);
    for (const { connector, fix } of problems) await (connector === 'from' ? from : to).query(fix as string);
    expect((await check(place)).code).toBe(0);
    const daemon = place.start(command);
    onTestFinished(() => void daemon.process.kill('SIGKILL'));
    const rows = async (): Promise<unknown> =>
      await to
        .query('select (select count(*) from things)::int as things, (select count(*) from log)::int as log')
        .catch(() => []);
    await expect.poll(rows, { timeout: 60_000 }).toEqual([{ things: 1, log: 1 }]);
    await from.query(`delete from log; insert into things values (2, null, null)`);
    await expect.poll(rows, { timeout: 60_000 }).toEqual([{ things: 2, log: 0 }]);
    daemon.process.kill('SIGTERM');
    expect(await daemon.ended).toMatchObject({ code: 0 });
    for (const each of [from, to]) await each.query(`drop owned by ${role}`);
  });

  test('shows no secret', async () => {
    await using place = await makeWorkplace();
    const config = sourceConfig({ ...source.settings, user: 'nobody', password: 'canary-5b1' }, 'checked');
    await place.write('from.json', { name: 'from', config });
    expect((await check(place, '--verbose')).output).not.toContain('canary-5b1');
    expect((await check(place, '--json')).output).not.toContain('canary-5b1');
  });
});
