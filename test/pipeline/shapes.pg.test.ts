import { expect, test } from 'vitest';
import { describeError } from '../../src/errors.ts';
import { freshDatabase } from '../support/postgres.ts';
import { Replication, type ReplicationOptions } from './replication.ts';

/** Two databases, the source's prepared by `sql`, with both loops running between them. */
async function running(sql: string, options: Partial<ReplicationOptions> = {}) {
  const source = await freshDatabase('shapes_from');
  const target = await freshDatabase('shapes_to');
  await source.query(sql);
  const replication = await Replication.open({ source: source.settings, target: target.settings, ...options });
  replication.startSource();
  const sink = replication.startSink();
  await replication.settled();
  return {
    source,
    target,
    replication,
    sink,
    async [Symbol.asyncDispose]() {
      await replication[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}

test('unlogged and temporary tables are left out with a word, once', async () => {
  await using world = await running(
    /* sql */ `create table kept (id int primary key); create unlogged table "Fleet ing" (id int primary key);
    create unlogged table left_out (id int primary key); create temporary table mine (id int primary key);
    create table parts (id int primary key) partition by range (id); create table logged partition of parts for values from (0) to (10);
    create unlogged table loose partition of parts for values from (10) to (20)`,
    { wal: { tableExclude: ['public\\.left_out'] } },
  );
  const { source, replication, target } = world;
  await source.query(
    /* sql */ `insert into kept values (1); insert into "Fleet ing" values (1); insert into mine values (1); insert into parts values (1), (11)`,
  );
  await replication.settled();
  const tables = await target.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1`,
  );
  expect(tables).toEqual([{ name: 'kept' }, { name: 'parts' }]);
  expect(await target.query('select id from parts')).toEqual([{ id: 1 }]);
  const told = replication.warnings.filter((text) => text.includes('unlogged'));
  expect(told).toEqual([
    'Table "public"."Fleet ing" is not captured: it is unlogged, so its rows are in no WAL',
    'Table "public"."loose" is not captured: it is unlogged, so its rows are in no WAL',
  ]);
});

test('a constraint that only the replica has stops the sink with its name, and the sink goes on when it is dropped', async () => {
  await using world = await running(
    'create table paid (id int primary key, amount int); insert into paid values (1, 5)',
  );
  const { source, target, replication, sink } = world;
  await target.query('alter table paid add constraint positive check (amount > 0)');
  await source.query('insert into paid values (2, 7); insert into paid values (3, -4242)');
  await sink.ended;
  const said = describeError(sink.failure);
  expect(said).toContain('"public"."paid"');
  expect(said).toContain('constraint positive');
  expect(said).not.toContain('4242');
  expect((sink.failure as { advice?: string }).advice).toContain('Drop the one that the source does not have');
  expect(await target.query('select id from paid')).toEqual([{ id: 1 }]);

  await target.query('alter table paid drop constraint positive');
  sink.failure = undefined; // `settled` fails for it
  replication.startSink();
  await replication.settled();
  expect(await replication.expectEqual('paid')).toBe(3);
});

const PARTITIONED = /* sql */ `
  create table t (id int, region text, v text, primary key (id, region)) partition by list (region);
  create table eu partition of t for values in ('de', 'fr'); create table us partition of t for values in ('us');
  create table rest partition of t default;
  insert into t select g, (array['de', 'fr', 'us', 'jp'])[1 + g % 4], 'v' from generate_series(1, 40) g`;

/** Rows that move, partitions that come and go; all of it changes no row behind the stream's back. */
const MOVES = [
  `update t set region = 'us' where id % 5 = 0`,
  `begin; update t set region = 'jp', id = id + 100 where region = 'de'; update t set region = 'de' where id > 130; commit`,
  `create table asia (id int not null, region text not null, v text, primary key (id, region));
   alter table t detach partition rest; alter table t attach partition asia for values in ('cn', 'in');
   insert into t values (200, 'cn', 'new'), (201, 'in', 'new')`,
  `alter table t attach partition rest default; insert into t values (300, 'xx', 'default')`,
  `update t set region = 'cn' where region = 'us'; delete from t where id % 7 = 0; truncate eu`,
];

test('published by its root a partitioned table is one table, whatever becomes of its partitions', async () => {
  await using world = await running(PARTITIONED);
  const { source, target, replication } = world;
  for (const sql of MOVES.slice(0, 2)) await source.query(sql);
  await replication.settled();
  expect(await replication.expectEqual('t')).toBe(40);
  expect(await target.query(`select to_regclass('eu') is null as one`)).toEqual([{ one: true }]);
});

test('published by its leaves each partition is a table of its own', async () => {
  const publish = `create publication leaves for table t with (publish_via_partition_root = false)`;
  const options = { wal: { publicationAutocreateMode: 'disabled', publicationName: 'leaves' } } as const;
  await using world = await running(`${PARTITIONED}; ${publish}`, options);
  const { source, target, replication } = world;
  expect(await replication.expectEqual('eu', 'us', 'rest')).toBe(40);
  for (const sql of MOVES) {
    await source.query(sql);
    await replication.settled();
    const present = await source.query<{ name: string }>(
      `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1`,
    );
    await replication.expectEqual(...present.map(({ name }) => name));
  }
  expect(await target.query(`select to_regclass('t') is null as leaves`)).toEqual([{ leaves: true }]);
});

const FAMILY = /* sql */ `
  create table parent (id int primary key, v text, u int unique deferrable initially deferred);
  create table child (extra text, primary key (id)) inherits (parent);
  create table loose (v text); alter table loose replica identity full;
  create table loose_child (extra text) inherits (loose); alter table loose_child replica identity full`;

test('on a replica whose tables inherit as those of the source do, each table keeps its own rows', async () => {
  await using target = await freshDatabase('shapes_family');
  await target.query(FAMILY);
  await using world = await running(
    /* sql */ `${FAMILY}; insert into parent values (1, 'p', 1), (2, 'p', 2), (3, 'p', 3); insert into child values (1, 'c', 1, 'x'), (2, 'c', 2, 'x');
      insert into loose values ('same'), ('same'); insert into loose_child values ('same', 'x'), ('other', 'x')`,
    { target: target.settings },
  );
  const { source, replication } = world;
  const changes = [
    `update only parent set v = 'q' where id = 1; update child set v = 'd' where id = 2; delete from only parent where id = 2`,
    `update only parent set id = id + 10; update only parent set u = 4 - u; delete from only loose where ctid = (select min(ctid) from only loose)`,
    `update only loose set v = 'new'; update parent set v = v || '+'`,
    `truncate only parent; insert into parent values (1, 'again', 1)`,
    `delete from only loose; truncate only loose`,
  ];
  for (const sql of changes) {
    await source.query(sql);
    await replication.settled();
    await replication.expectEqual('parent', 'child', 'loose', 'loose_child');
  }
  expect(await replication.expectEqual('parent', 'child', 'loose', 'loose_child')).toBe(1 + 2 + 0 + 2);
});

test('columns that a table of the replica inherits follow those of the source, whichever table is heard of first', async () => {
  await using target = await freshDatabase('shapes_heirs');
  const family = `create table parent (id int primary key, v text, gone int); create table child (primary key (id)) inherits (parent)`;
  await target.query(family);
  await using world = await running(
    `${family}; insert into child values (1, 'c', 1); insert into parent values (1, 'p', 1)`,
    {
      target: target.settings,
    },
  );
  const { source, replication } = world;
  await source.query(
    'alter table parent drop column gone; alter table parent rename v to w; alter table parent add late int',
  );
  await source.query(`update child set w = 'child first'; update only parent set w = 'then its parent'`);
  await replication.settled();
  await source.query(
    `alter table parent alter late type bigint; update only parent set late = 5000000000; update child set late = 6000000000`,
  );
  await replication.settled();
  expect(await replication.expectEqual('parent', 'child')).toBe(2);
});

test('a partition of the replica keeps the key that it has of its table, when the source tells of none', async () => {
  await using target = await freshDatabase('shapes_parts');
  const parts = `create table t (id int primary key deferrable initially deferred) partition by hash (id); create table one partition of t for values with (modulus 1, remainder 0)`;
  await target.query(parts);
  const publish = `create publication leaves for all tables with (publish_via_partition_root = false)`;
  const wal = { publicationAutocreateMode: 'disabled', publicationName: 'leaves' } as const;
  await using world = await running(`${parts}; insert into t values (1); ${publish}`, { wal, target: target.settings });
  await world.source.query('insert into t values (2)');
  await world.replication.settled();
  expect(await world.replication.expectEqual('t')).toBe(2);
});
