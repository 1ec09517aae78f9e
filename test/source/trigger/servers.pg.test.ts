import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PostgresServer } from '../../../src/servers/postgres-server.ts';
import { uninstall } from '../../../src/source/trigger/set-up.ts';
import { servers } from '../../support/postgres.ts';
import { triggerWorld } from './trigger-fixture.ts';

const SCHEMA = `create table tree (id int primary key, v text, n int default 0, twice int generated always as (n * 2) stored);
  create function spread() returns trigger language plpgsql as $$ begin
    if pg_trigger_depth() < 4 then update tree set v = tree.v || new.id, n = tree.n + 1 where id <> new.id; end if; return null; end $$;
  create trigger "!!first" after insert or update on tree for each row execute function spread();
  create table p (id int, at int, v text) partition by range (at); create table p1 partition of p for values from (0) to (10);
  create table p2 (v text, at int, id int); alter table p attach partition p2 for values from (10) to (20)`;

describe.each(servers)('on $name', (kind) => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await kind.start({ max_prepared_transactions: '5' });
  }, 60_000);
  afterAll(async () => await server?.[Symbol.asyncDispose]());

  test('captures nested changes, partitions, sessions that replicate and prepared transactions', async () => {
    await using world = await triggerWorld('trigger_server', SCHEMA, { lookIntervalMs: 200 }, {}, server.settings());
    const { source, replication } = world;
    replication.startSource();
    replication.startSink();
    await replication.settled();
    await source.query(
      `insert into tree values (1, 'a'), (2, 'b'), (3, 'c'); update tree set v = v || '!'; delete from tree where id = 3`,
    );
    await source.query(
      `insert into p values (1, 1, 'x'), (2, 12, 'y'), (1, 1, 'x'); update p set at = at + 9 where at = 1; delete from p where id = 2`,
    );
    await source.query(
      `set session_replication_role = replica; insert into p values (3, 3, 'r'), (4, 14, 's'); set session_replication_role = origin`,
    );
    await source.query(`begin`);
    await source.query(`update p set v = v || '2' where id = 3`);
    await source.query(`prepare transaction 'two'`);
    await source.query(`insert into p values (5, 5, 'later')`);
    await source.query(`commit prepared 'two'`);
    await replication.settled();
    expect(await replication.expectEqual('tree', 'p')).toBe(7);
    await source.query(
      `create table p3 partition of p for values from (20) to (30); insert into p values (6, 25, 'z'); truncate p1`,
    );
    await replication.settled();
    expect(await replication.expectEqual('tree', 'p')).toBe(6);
    await replication[Symbol.asyncDispose]();
    await uninstall(source.client, 'shop');
    expect(await source.query(`select tgname from pg_trigger where tgname like '!rowcast%'`)).toEqual([]);
  });
});
