import { expect, test } from 'vitest';
import { connect } from '../../../src/postgres/connect.ts';
import { eventually } from '../../pipeline/replication.ts';
import { triggerWorld } from './trigger-fixture.ts';

test('a row that a later transaction id changed first arrives in the order of its locks', async () => {
  await using world = await triggerWorld(
    'trigger_xid',
    `create table x (id int primary key, v text); insert into x values (1, 'old'); create table other (n int)`,
  );
  const { source, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  const early = await connect(source.settings, 'early');
  try {
    await early.query(`begin; insert into public.other values (1)`); // takes the lower transaction id
    await source.query(`update x set v = 'by the later id' where id = 1`);
    await replication.reached(); // read without the one that is in flight
    await early.query(`update public.x set v = v || ', then by the earlier' where id = 1; commit`);
  } finally {
    await early.end();
  }
  await replication.settled();
  await replication.expectEqual('x', 'other');
});

test('what triggers change in the middle of a statement arrives in the order in which it was changed', async () => {
  await using world = await triggerWorld(
    'trigger_nested',
    `create table tree (id int primary key, v text, n int default 0);
     create function spread() returns trigger language plpgsql as $$ begin
       if pg_trigger_depth() < 4 then update tree set v = tree.v || new.id, n = tree.n + 1 where id <> new.id; end if; return null; end $$;
     create trigger "!!first" after insert or update on tree for each row execute function spread();
     create trigger zzz after insert or update on tree for each row execute function spread()`,
  );
  const { source, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await source.query(`insert into tree values (1, 'a'), (2, 'b'), (3, 'c')`);
  await source.query(
    `update tree set v = v || '!'; update tree set id = id + 10 where id = 2; delete from tree where id = 3`,
  );
  await source.query(
    `begin; insert into tree values (4, 'd'), (5, 'e'); truncate tree; insert into tree values (6, 'f'), (7, 'g'); update tree set v = 'x'; commit`,
  );
  await replication.settled();
  expect(await replication.expectEqual('tree')).toBe(2);
});

test('what was rolled back never arrives, and what a subtransaction kept does', async () => {
  await using world = await triggerWorld('trigger_rollback', `create table r (id int primary key, v int)`);
  const { source, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await source.query(`begin; insert into r values (1, 1); rollback`);
  await source.query(
    `begin; insert into r values (2, 1); savepoint a; update r set v = 2; rollback to a; savepoint b; insert into r values (3, 1); release b; commit`,
  );
  await source.query(
    `do $$ begin begin insert into r values (4, 1); raise exception 'no'; exception when others then insert into r values (5, 1); end; end $$`,
  );
  await source.query(
    `insert into r values (2, 7) on conflict (id) do update set v = excluded.v; insert into r values (3, 9) on conflict do nothing`,
  );
  await source.query(
    `merge into r using (values (5), (6)) s (id) on r.id = s.id when matched then delete when not matched then insert values (s.id, 0)`,
  );
  await replication.settled();
  expect(await replication.expectEqual('r')).toBe(3);
});

test('concurrent writers are followed exactly', async () => {
  await using world = await triggerWorld(
    'trigger_writers',
    `create table c (id int primary key, v int); create table log (id int, v int); insert into c select g, 0 from generate_series(1, 20) g`,
  );
  const { source, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  const write = async (n: number): Promise<void> => {
    const client = await connect(source.settings, `writer ${n}`, { search_path: 'public' });
    for (let i = 0; i < 60; i++) {
      const id = 1 + ((i * 7 + n * 3) % 20);
      await client.query(
        `begin; update c set v = v + 1 where id = ${id}; insert into log values (${id}, ${i}); ${i % 5 === 0 ? 'rollback' : 'commit'}`,
      );
      if (i % 20 === n) await client.query(i > 30 ? `truncate log` : `delete from log where id = ${id}`);
    }
    await client.end();
  };
  await Promise.all([1, 2, 3, 4].map(write));
  await replication.settled();
  await replication.expectEqual('c', 'log');
  expect(replication.warnings).toEqual([]);
});

test('a large transaction is read at once, though statistics say that there are no events', async () => {
  await using world = await triggerWorld('trigger_statistics', `create table large (id int primary key, v text)`);
  const { source, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await source.query(`insert into large select -i, 'first' from generate_series(1, 2000) i`);
  await replication.settled();
  await eventually(
    async () => (await source.query(`select from rowcast.events_shop limit 1`)).length === 0,
    'the events to be consumed',
  );
  await source.query(`analyze rowcast.events_shop`);
  // Each compared with each, they would take minutes.
  await source.query(`insert into large select i, 'more' from generate_series(1, 50000) i`);
  await source.query(`update large set v = v || '!'`);
  await replication.settled();
  await replication.expectEqual('large');
});
