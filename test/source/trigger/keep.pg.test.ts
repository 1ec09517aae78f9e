import { expect, test } from 'vitest';
import { installSql } from '../../../src/source/trigger/install-sql.ts';
import { uninstall } from '../../../src/source/trigger/set-up.ts';
import { eventually } from '../../pipeline/replication.ts';
import { uniqueName } from '../../support/postgres.ts';
import { triggerWorld } from './trigger-fixture.ts';

const partitions = /* sql */ `select i.inhrelid::regclass::text as part, pg_get_expr(c.relpartbound, c.oid) as bounds
  from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'rowcast.kept_shop'::regclass order by 1`;

test('consumed events are kept by day where that is wanted, and days that are too old are dropped', async () => {
  await using world = await triggerWorld('kept', `create table t (id int primary key, v text)`, { retentionDays: 2 });
  const { source, replication } = world;
  const running = replication.startSource();
  replication.startSink();
  await replication.settled();
  await source.query(`insert into t select g, 'new' from generate_series(1, 300) g; delete from t where id > 200`);
  await replication.settled();
  const left = async (): Promise<boolean> => (await source.query(`select from rowcast.events_shop`)).length === 0;
  await eventually(left, 'the events to be kept');
  const ops = `select op::text, count(*)::int, count(distinct id)::int as ids from rowcast.kept_shop group by op order by op`;
  expect(await source.query(ops)).toEqual([
    { op: 'd', count: 100, ids: 100 },
    { op: 'i', count: 300, ids: 300 },
  ]);
  await running.stop();
  // Events of days before, which a source that stood still has left; the oldest of them is kept no longer.
  await source.query(`insert into t values (1001, 'a'), (1002, 'b'), (1003, 'c')`);
  await source.query(
    `update rowcast.events_shop set at = at - interval '1 day' * (case when new like '(1001%' then 5 when new like '(1002%' then 1 else 0 end)`,
  );
  replication.startSource();
  await replication.settled();
  await eventually(left, 'the events to be kept');
  await source.query(`insert into t values (1004, 'd')`);
  await replication.settled();
  await eventually(left, 'the events to be kept');
  expect((await source.query(partitions)).length).toBe(2);
  const days = `select ((now() at time zone 'UTC')::date - (at at time zone 'UTC')::date) as age, count(*)::int from rowcast.kept_shop group by 1 order by 1`;
  expect(await source.query(days)).toEqual([
    { age: 0, count: 402 },
    { age: 1, count: 1 },
  ]);
  expect(await replication.expectEqual('t')).toBe(204);
});

test('a role that may only consume keeps events by what an administrator has installed', async () => {
  await using world = await triggerWorld('kept', `create table t (id int primary key)`, {
    retentionDays: 7,
    autocreateMode: 'disabled',
  });
  const { source, replication } = world;
  const role = uniqueName('consumer');
  await source.query(`create role ${role} login password 'secret'; grant select on t to ${role}`);
  try {
    await source.query(installSql('shop', [role]));
    await source.query(/* sql */ `create trigger "!rowcast_shop" after insert or update or delete on t for each row execute function rowcast."capture_shop"();
      create trigger "!rowcast_shop_truncate" after truncate on t for each statement execute function rowcast."capture_shop"()`);
    replication.startSource('one', undefined, { ...source.settings, user: role, password: 'secret' });
    replication.startSink();
    await replication.settled();
    await source.query(`insert into t values (1), (2)`);
    await replication.settled();
    await eventually(
      async () => (await source.query(`select from rowcast.kept_shop`)).length === 2,
      'the events to be kept',
    );
    await replication[Symbol.asyncDispose]();
    await uninstall(source.client, 'shop');
    expect(await source.query(`select from pg_namespace where nspname = 'rowcast'`)).toEqual([]);
  } finally {
    await source.query(`drop owned by ${role}; drop role ${role}`);
  }
});
