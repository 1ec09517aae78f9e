import { expect, test } from 'vitest';
import { connect } from '../../../src/postgres/connect.ts';
import { install, uninstall } from '../../../src/source/trigger/set-up.ts';
import { createTriggerSource } from '../../../src/source/trigger/trigger-source.ts';
import { systemClock } from '../../../src/worker/system-clock.ts';
import { eventually } from '../../pipeline/replication.ts';
import { type Database, freshDatabase, uniqueName } from '../../support/postgres.ts';
import { triggerSettings, triggerWorld } from './trigger-fixture.ts';

const SELF = { daemon: 'one', offset: 0, id: 'a' };

test('taking it away leaves nothing behind, and events are forgotten when the log has them', async () => {
  await using world = await triggerWorld(
    'trigger_remove',
    `create table t (id int primary key); create table p (id int) partition by range (id); create table p1 partition of p for values from (0) to (10)`,
  );
  const { source, replication } = world;
  const before = await objects(source);
  const running = replication.startSource();
  replication.startSink();
  await replication.settled();
  await source.query(
    `insert into t select generate_series(1, 500); insert into p values (1); delete from t where id < 100`,
  );
  await replication.settled();
  await eventually(
    async () => (await source.query(`select from rowcast.events_shop`)).length === 0,
    'the events to be forgotten',
  );
  await replication.expectEqual('t', 'p');
  await running.stop();
  await uninstall(source.client, 'shop');
  expect(await objects(source)).toEqual(before);
  await uninstall(source.client, 'shop');
});

async function objects(database: Database): Promise<unknown> {
  return await database.query(`select
    (select count(*)::int from pg_class c join pg_namespace n on n.oid = c.relnamespace where nspname not like 'pg_%' and nspname <> 'information_schema') as tables,
    (select count(*)::int from pg_trigger) as triggers, (select count(*)::int from pg_proc) as functions, (select count(*)::int from pg_namespace where nspname not like 'pg_t%') as schemas`);
}

test('roles that may only write to a table need no right on the events, and cannot touch them', async () => {
  await using world = await triggerWorld('trigger_rights', `create table t (id int primary key, v text)`);
  const { source, replication } = world;
  const role = uniqueName('trigger_app');
  await source.query(
    `create role ${role}; grant usage on schema public to ${role}; grant select, insert, update, delete, truncate on t to ${role}`,
  );
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await source.query(
    `set role ${role}; insert into t values (1, 'a'), (2, 'b'); update t set v = 'c' where id = 1; delete from t where id = 2`,
  );
  for (const sql of [
    `select from rowcast.events_shop`,
    `delete from rowcast.events_shop`,
    `insert into rowcast.events_shop (relation, shape, op) values (1, 1, 't')`,
    `select rowcast.shape_of_shop(1, 'a', 'b')`,
    `create trigger x after insert on t for each row execute function rowcast.capture_shop()`,
  ]) {
    await expect(source.query(sql), sql).rejects.toThrow(/permission denied/);
  }
  await source.query(`reset role`);
  await replication.settled();
  expect(await replication.expectEqual('t')).toBe(1);
  await source.query(`drop owned by ${role}; drop role ${role}`);
});

test('a role of its own captures what an administrator has set up for it', async () => {
  await using source = await freshDatabase('trigger_least');
  const role = uniqueName('trigger_reader');
  await source.query(
    `create role ${role} login password 'secret'; create table t (id int primary key); grant select on t to ${role}; grant usage on schema public to ${role}`,
  );
  const connection = { ...source.settings, user: role, password: 'secret' };
  const warnings: string[] = [];
  const settings = triggerSettings(connection, { autocreateMode: 'disabled' });
  const opened = createTriggerSource(settings, systemClock, (message) => warnings.push(message));
  const open = async (): Promise<AsyncDisposable> => await opened.open(SELF, false, AbortSignal.timeout(20_000));
  await expect(open()).rejects.toThrow('Capture by triggers "shop" is not set up');
  await install(source.client, 'shop', [role]);
  {
    await using _ = await open();
    expect(warnings).toEqual(['Table public.t is not captured: it has no trigger']);
  }
  const owned = createTriggerSource(triggerSettings(source.settings), systemClock, () => {});
  await (await owned.open(SELF, false, AbortSignal.timeout(20_000)))[Symbol.asyncDispose]();
  const held = await opened.open(SELF, false, AbortSignal.timeout(20_000));
  expect(held.capture.tables).toHaveLength(1);
  await held.create(AbortSignal.timeout(20_000));
  await source.query(`insert into t values (1)`);
  const stop = new AbortController();
  let seen = 0;
  for await (const batch of held.read(held.confirmed as string, stop.signal)) {
    seen += batch.tables.length;
    if (batch.position === undefined) continue;
    await held.acknowledge(batch.position);
    if (seen > 0) stop.abort();
  }
  expect(await source.query(`select from rowcast.events_shop`)).toEqual([]);
  await held[Symbol.asyncDispose]();
  await source.query(`drop owned by ${role}; drop role ${role}`);
});

test('a log that knows nothing of the triggers is told how to be rid of them', async () => {
  await using world = await triggerWorld('trigger_unclaimed', `create table t (id int primary key)`);
  const { source, replication } = world;
  const held = await createTriggerSource(triggerSettings(source.settings), systemClock, () => {}).open(
    SELF,
    false,
    AbortSignal.timeout(20_000),
  );
  await held.create(AbortSignal.timeout(20_000));
  await held[Symbol.asyncDispose]();
  const running = replication.startSource();
  await running.ended;
  expect(running.failure).toMatchObject({
    message: 'Slot shop exists, but the log of shop knows nothing of it',
    advice: expect.stringContaining('rowcast check --remove-triggers shop --yes') as unknown,
  });
});

test('events of a database that was restored are not believed', async () => {
  await using source = await freshDatabase('trigger_restored');
  await source.query(`create table t (id int primary key)`);
  const open = async (autocreateMode: 'filtered' | 'disabled'): Promise<AsyncDisposable> =>
    await createTriggerSource(triggerSettings(source.settings, { autocreateMode }), systemClock, () => {}).open(
      SELF,
      false,
      AbortSignal.timeout(20_000),
    );
  await (await open('filtered'))[Symbol.asyncDispose]();
  await source.query(`insert into t values (1)`);
  // As a dump brings it along: the comment of the other database.
  await source.query(`comment on table rowcast.events_shop is 'rowcast 1234567890/1234'`);
  await expect(open('disabled')).rejects.toThrow(
    'was set up in another database, which this one was restored or upgraded from',
  );
  await (await open('filtered'))[Symbol.asyncDispose]();
  expect(await source.query(`select from rowcast.events_shop`)).toEqual([]);
});

test('a serializable transaction that began before a table was altered is told to begin again', async () => {
  await using world = await triggerWorld('trigger_serializable', `create table t (id int primary key, v text)`);
  const { source, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  const old = await connect(source.settings, 'old');
  try {
    await old.query(`begin isolation level repeatable read; select count(*) from pg_catalog.pg_class`);
    await source.query(`alter table t add w int; insert into t values (1, 'a', 1)`);
    await expect(old.query(`insert into public.t values (2, 'b', 2)`)).rejects.toMatchObject({ code: '40001' });
    await old.query(
      `rollback; begin isolation level serializable; insert into public.t values (2, 'b', 2); update public.t set w = 3; commit`,
    );
  } finally {
    await old.end();
  }
  await replication.settled();
  expect(await replication.expectEqual('t')).toBe(2);
});
