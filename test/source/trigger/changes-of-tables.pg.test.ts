import { expect, test } from 'vitest';
import { createTriggerSource } from '../../../src/source/trigger/trigger-source.ts';
import { systemClock } from '../../../src/worker/system-clock.ts';
import { eventually } from '../../pipeline/replication.ts';
import { triggerSettings, triggerWorld } from './trigger-fixture.ts';

test('partitions are captured as their table, whatever happens to one of them', async () => {
  await using world = await triggerWorld(
    'trigger_parts',
    `create table p (id int, at int, v text, primary key (id, at)) partition by range (at);
     create table p1 partition of p for values from (0) to (10);
     create table p2 (v text, gone int, at int not null, id int not null); alter table p2 drop column gone; alter table p attach partition p2 for values from (10) to (20);
     insert into p values (1, 1, 'a'), (2, 11, 'b')`,
    { lookIntervalMs: 200 },
  );
  const { source, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await source.query(
    `insert into p values (3, 2, 'c'), (4, 12, 'd'); update p set at = at + 10, v = v || '!' where id = 3; update p2 set v = 'direct' where id = 4; delete from p1 where id = 1`,
  );
  await replication.settled();
  expect(await replication.expectEqual('p')).toBe(3);
  await source.query(`insert into p select g, g % 20, 'x' from generate_series(100, 139) g; truncate p1`);
  await replication.settled();
  expect(await replication.expectEqual('p')).toBe(23);
  await source.query(
    `begin; insert into p values (5, 5, 'e'); truncate p; insert into p1 values (6, 6, 'f'); truncate p1; insert into p values (7, 7, 'g'); commit`,
  );
  await replication.settled();
  expect(await replication.expectEqual('p')).toBe(1);
  await source.query(`create table p3 partition of p for values from (20) to (30); insert into p values (8, 25, 'h')`);
  await replication.settled();
  expect(await replication.expectEqual('p')).toBe(2);
});

test('a table that comes later is copied, one that goes is left; sessions that replicate are captured', async () => {
  await using world = await triggerWorld(
    'trigger_later',
    `create table a (id int primary key, v text); insert into a values (1, 'one')`,
    {
      lookIntervalMs: 200,
    },
  );
  const { source, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await source.query(
    `set session_replication_role = replica; insert into a values (2, 'two'); set session_replication_role = origin`,
  );
  await source.query(
    `create table b (id int primary key, v text); insert into b select g, 'b' from generate_series(1, 300) g`,
  );
  await eventually(
    async () => (await world.target.query(`select to_regclass('public.b') as b`))[0]?.['b'] !== null,
    'the new table',
  );
  await replication.settled();
  await source.query(`update b set v = 'c' where id < 10; drop table b; insert into a values (3, 'three')`);
  await replication.settled();
  expect(await replication.expectEqual('a')).toBe(3);
});

test('a table is copied again when somebody asks, while others write to it', async () => {
  await using world = await triggerWorld(
    'trigger_signal',
    `create table t (id int primary key, v text); insert into t select g, 'x' from generate_series(1, 3000) g`,
  );
  const { source, target, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await target.query(`delete from t where id % 2 = 0; update t set v = 'damaged' where id % 3 = 0`);
  await source.query(`insert into t values (5000, 'y')`);
  await replication.signal({
    kind: 'execute',
    id: 'again',
    isBlocking: false,
    tables: [{ schema: 'public', name: 't' }],
  });
  await source.query(`update t set v = v || '!' where id < 100; delete from t where id = 5000`);
  await replication.settled();
  expect(await replication.expectEqual('t')).toBe(3000);
});

test('a table that was dropped and made again is not taken for the one of before', async () => {
  await using world = await triggerWorld(
    'trigger_again',
    `create table a (id int primary key); insert into a values (1)`,
    {
      lookIntervalMs: 200,
    },
  );
  const { source, replication } = world;
  replication.startSource();
  const sink = replication.startSink();
  await replication.settled();
  await source.query(`drop table a; create table a (id int primary key); insert into a values (7)`);
  await sink.ended;
  expect(sink.failure).toMatchObject({
    message: 'Table "public"."a" on the target holds the rows of another table, which had this name before',
  });
  replication.resume(sink);
  await world.target.query(`drop table a`);
  replication.startSink();
  await replication.settled();
  expect(await replication.expectEqual('a')).toBe(1);
});

test('a trigger that was away has missed changes: its table is copied again, or the source stops and says so', async () => {
  await using world = await triggerWorld(
    'trigger_away',
    `create table t (id int primary key); insert into t values (1)`,
    {
      lookIntervalMs: 200,
    },
  );
  const { source, replication } = world;
  const first = replication.startSource();
  replication.startSink();
  await replication.settled();
  await first.stop();
  await source.query(
    `alter table t disable trigger "!rowcast_shop"; insert into t values (2); delete from t where id = 1; alter table t enable always trigger "!rowcast_shop"; insert into t values (3)`,
  );
  const second = replication.startSource();
  await replication.settled();
  expect(await replication.expectEqual('t')).toBe(2);
  await source.query(`drop trigger "!rowcast_shop" on t; insert into t values (4)`);
  await eventually(async () => (await world.target.query(`select from t where id = 4`)).length === 1, 'the copy');
  await second.stop();
  await source.query(`alter table t disable trigger "!rowcast_shop"`);
  const capture = createTriggerSource(
    triggerSettings(source.settings, { autocreateMode: 'disabled' }),
    systemClock,
    () => {},
  );
  const held = await capture.open({ daemon: 'x', offset: 0, id: 'x' }, false, AbortSignal.timeout(20_000));
  const [table] = await source.query<{ oid: number }>(`select 't'::regclass::oid::int as oid`);
  const known = { lists: {}, tables: [(table?.oid ?? 0) * 2 ** 21] };
  await expect(held.assertCovered(known, [], AbortSignal.timeout(20_000))).rejects.toThrow(
    'Changes of table public.t are missed: its trigger is disabled',
  );
  await held[Symbol.asyncDispose]();
});
