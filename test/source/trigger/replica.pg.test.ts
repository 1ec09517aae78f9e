import { expect, test } from 'vitest';
import { triggerWorld } from './trigger-fixture.ts';

test('copies, then follows inserts, updates, deletes, key changes and truncates', async () => {
  await using world = await triggerWorld(
    'trigger_rows',
    `create table a (id int primary key, v text); create table b (id int primary key, a int references a, n numeric);
     insert into a select g, 'row ' || g from generate_series(1, 1000) g; insert into b select g, g, g from generate_series(1, 500) g`,
  );
  const { source, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  expect(await replication.expectEqual('a', 'b')).toBe(1500);
  await source.query(`begin; insert into a values (2001, 'x'); insert into b values (2001, 2001, 'NaN'); commit`);
  await source.query(
    `update a set v = v || '!' where id % 2 = 0; delete from b where id % 3 = 0; update b set id = id + 10000 where id % 5 = 0`,
  );
  await replication.settled();
  await replication.expectEqual('a', 'b');
  await source.query(`truncate a, b; insert into a values (1, 'again')`);
  await replication.settled();
  expect(await replication.expectEqual('a', 'b')).toBe(1);
});
