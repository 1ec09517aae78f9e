import { expect, test } from 'vitest';
import { OperatorError } from '../../src/errors.ts';
import { freshDatabase } from '../support/postgres.ts';
import { eventually, Replication, type ReplicationOptions } from './replication.ts';

/** A pair of databases, the source filled by `sql`, and the loops between them, not yet started. */
async function pair(sql: string, options: Partial<ReplicationOptions> = {}) {
  const source = await freshDatabase('source');
  const target = await freshDatabase('target');
  await source.query(sql);
  const replication = await Replication.open({ source: source.settings, target: target.settings, ...options });
  return {
    source,
    target,
    replication,
    async [Symbol.asyncDispose]() {
      await replication[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}

const SHOP = /* sql */ `
  create type mood as enum ('sad', 'ok', 'happy');
  create table customer (id bigint primary key, name text not null, mood mood, joined timestamptz default now());
  create table purchase (
    id uuid primary key, customer bigint not null references customer, total numeric(10, 2), note text, tags text[],
    payload jsonb, paid boolean, picture bytea, day date);
  create table line (purchase uuid, no int, sku varchar(20), price numeric, primary key (purchase, no));
  create table visit (at timestamp, path text, weight float8);
  alter table visit replica identity full;
  insert into customer select i, 'customer ' || i, 'ok' from generate_series(1, 500) i;
  insert into purchase select gen_random_uuid(), 1 + i % 500, i * 1.5, repeat('n', i), '{a,"b c",NULL}', '{"a": 1e400}',
    i % 2 = 0, decode('00ff', 'hex'), 'infinity' from generate_series(1, 300) i;
  insert into visit select 'epoch', '/', 0.1 from generate_series(1, 3);`;

test('a snapshot and every kind of change arrive', async () => {
  await using world = await pair(SHOP);
  const { source, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  expect(await replication.expectEqual('customer', 'purchase', 'line', 'visit')).toBe(803);

  await source
    .query(/* sql */ `
    begin;
    insert into customer values (1001, 'new', 'happy'), (1002, null || 'x', 'sad') on conflict do nothing;
    commit`)
    .catch(() => source.query('rollback'));
  await source.query(/* sql */ `
    begin;
    insert into customer values (2001, 'new', 'happy');
    insert into purchase (id, customer, total) values (gen_random_uuid(), 2001, 'NaN');
    update customer set name = name || '!' where id % 3 = 0;
    delete from purchase where customer % 5 = 0;
    commit;
    update customer set id = id + 10000 where id between 1 and 1 and not exists (select from purchase where customer = customer.id);
    insert into line select gen_random_uuid(), i, 'sku', 1.10 from generate_series(1, 10) i;
    update line set no = no + 1;
    delete from line where no = 3;
    insert into visit values ('infinity', '/a', '-0'), ('epoch', '/', 0.1);
    update visit set weight = 'NaN' where path = '/a';
    delete from visit where ctid in (select ctid from visit where path = '/' limit 2);`);
  await replication.settled();
  await replication.expectEqual('customer', 'purchase', 'line', 'visit');
});

test('unchanged TOAST values stay, also when the key changes', async () => {
  await using world = await pair(/* sql */ `
    create table doc (id int primary key, body text, n int);
    alter table doc alter body set storage external;
    insert into doc select i, repeat(md5(i::text), 500), 0 from generate_series(1, 20) i;`);
  const { source, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await source.query(/* sql */ `
    update doc set n = n + 1;
    update doc set id = id + 100 where id < 5;
    begin; update doc set n = 7 where id = 10; update doc set id = 200 where id = 10; update doc set n = 8 where id = 200; commit;
    update doc set body = 'short' where id = 11;
    begin; update doc set id = -1 where id = 12; update doc set id = 12 where id = 13; update doc set id = 13 where id = -1; commit`);
  await replication.settled();
  expect(await replication.expectEqual('doc')).toBe(20);
});

test('truncates, added, retyped and dropped columns arrive in order', async () => {
  await using world = await pair(/* sql */ `
    create table a (id int primary key, v text);
    create table b (id int primary key, a int references a);
    insert into a values (1, 'x'); insert into b values (1, 1);`);
  const { source, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await source.query(/* sql */ `
    begin; truncate a, b; insert into a values (5, 'five'); commit;
    alter table a add column extra numeric(6, 2);
    insert into a values (6, 'six', 1.20);
    alter table a alter column id type bigint;
    insert into a values (5000000000, 'big', 2);
    alter table a drop column v;
    insert into a values (7, 3.5);
    alter table a add column later int; alter table a alter later set default 5;
    alter table a add column earlier int default 6; alter table a alter earlier drop default;
    insert into a (id, extra) values (70, 3.5);
    begin; insert into a values (8, 1); alter table a add column late text default 'd'; insert into a (id, late) values (9, 'e'); commit`);
  await replication.settled();
  expect(await replication.expectEqual('a', 'b')).toBe(7);
});

test('older rows of a partitioned table have what a new column gives them', async () => {
  await using world = await pair(/* sql */ `
    create table p (id int primary key, note text) partition by list (id);
    create table p_even partition of p for values in (2, 4);
    create table p_rest partition of p default;
    insert into p values (1, 'copied'), (2, 'copied')`);
  const { source, target, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await source.query(/* sql */ `
    alter table p add column n int default 5;
    alter table p add column at timestamptz default '2026-01-01 00:00:00+00';
    alter table p add column later int; alter table p alter column later set default 7;
    insert into p (id) values (3), (4)`);
  await replication.settled();
  expect(await replication.expectEqual('p')).toBe(4);
  expect(await target.query('select n, later from public.p order by id')).toEqual([
    { n: 5, later: null },
    { n: 5, later: null },
    { n: 5, later: 7 },
    { n: 5, later: 7 },
  ]);
});

test('several partitions per topic are merged back into source order', async () => {
  await using world = await pair(/* sql */ `create table t (id int primary key, v int); insert into t values (1, 0)`);
  const { source, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  for (let i = 0; i < 20; i++) {
    await source.query(/* sql */ `
      begin; insert into t select g, ${i} from generate_series(100 * ${i} + 2, 100 * ${i} + 60) g; update t set v = v + 1 where id % 7 = ${i % 7};
      delete from t where id % 11 = ${i % 11}; commit`);
  }
  await replication.settled();
  await replication.expectEqual('t');
});

test('both sides resume where they stopped', async () => {
  await using world = await pair(
    /* sql */ `create table t (id int primary key, v text); insert into t select g, 'x' from generate_series(1, 100) g`,
  );
  const { source, replication } = world;
  let reading = replication.startSource();
  let applying = replication.startSink();
  await replication.settled();
  for (let round = 0; round < 4; round++) {
    await (round % 2 === 0 ? reading : applying).stop();
    await source.query(/* sql */ `insert into t select g, 'r${round}' from generate_series(${1000 * (round + 1)}, ${1000 * (round + 1) + 300}) g;
      update t set v = v || '.' where id % 3 = ${round % 3}`);
    if (round % 2 === 0) reading = replication.startSource();
    else applying = replication.startSink();
  }
  await replication.settled();
  await replication.expectEqual('t');
  expect(reading.failure).toBeUndefined();
  expect(applying.failure).toBeUndefined();
});

test('an unfinished first snapshot is gone on with', async () => {
  await using world = await pair(
    /* sql */ `create table t (id int primary key, v text); insert into t select g, repeat('x', 200) from generate_series(1, 30000) g`,
    { wal: { maxBatchBytes: 64 * 1024 } },
  );
  const { source, replication } = world;
  const first = replication.startSource();
  replication.startSink();
  await eventually(() => replication.sourceProgress.changes > 2_000, 'the copy to begin');
  await first.stop();
  await source.query(/* sql */ `delete from t where id < 5000; update t set id = id + 100000 where id > 29000`);
  replication.startSource();
  await replication.settled();
  expect(await replication.expectEqual('t')).toBe(25_001);
});

test('a target table that has rows is refused, or emptied when that was asked for', async () => {
  for (const onExisting of ['refuse', 'truncate'] as const) {
    await using world = await pair(/* sql */ `create table t (id int primary key); insert into t values (1), (2)`, {
      sink: { onExisting },
    });
    const { target, replication } = world;
    await target.query(/* sql */ `create table t (id int primary key); insert into t values (99)`);
    replication.startSource();
    const applying = replication.startSink();
    if (onExisting === 'truncate') {
      await replication.settled();
      expect(await replication.expectEqual('t')).toBe(2);
    } else {
      await applying.ended;
      expect(applying.failure).toBeInstanceOf(OperatorError);
      expect(await target.query('select id from t')).toEqual([{ id: 99 }]);
    }
  }
});

test('a slot that was dropped, or advanced by somebody else, stops the source', async () => {
  for (const harm of ['drop', 'advance'] as const) {
    await using world = await pair(/* sql */ `create table t (id int primary key)`);
    const { source, replication } = world;
    const slot = `slot_${source.settings.database}`;
    const first = replication.startSource();
    replication.startSink();
    await replication.settled();
    await first.stop();
    await source.query(/* sql */ `insert into t values (1); select pg_switch_wal(); insert into t values (2)`);
    await eventually(
      async () =>
        (await source.query(`select from pg_replication_slots where slot_name = '${slot}' and not active`)).length ===
        1,
      'the slot to be free',
    );
    await source.query(
      harm === 'drop'
        ? /* sql */ `select pg_drop_replication_slot('${slot}')`
        : /* sql */ `select pg_replication_slot_advance('${slot}', pg_current_wal_lsn())`,
    );
    const second = replication.startSource();
    await second.ended;
    expect(second.failure).toBeInstanceOf(OperatorError);
    expect((second.failure as OperatorError).advice).toMatch(/rowcast offsets accept.*rowcast offsets reset/);
  }
});

test('a table that appears later is captured, and copied while streaming when it has rows', async () => {
  await using world = await pair(/* sql */ `create table t (id int primary key); insert into t values (1)`);
  const { source, target, replication } = world;
  const first = replication.startSource();
  replication.startSink();
  await replication.settled();
  await first.stop();
  await source.query(
    /* sql */ `create table empty (id int primary key); create table full_one (id int primary key); insert into full_one values (1)`,
  );
  replication.startSource();
  await source.query(/* sql */ `insert into t values (2)`);
  await replication.settled();
  await source.query(/* sql */ `insert into empty values (7); insert into full_one values (2)`);
  await replication.settled();
  await eventually(
    async () => (await target.query(`select to_regclass('public.full_one') as name`))[0]?.name !== null,
    'the copy',
  );
  await replication.settled();
  expect(await replication.expectEqual('t', 'empty', 'full_one')).toBe(5);
  expect(replication.warnings).toEqual([]);
});

test('a sink of some tables follows their columns and truncates, and leaves the others alone', async () => {
  await using world = await pair(
    /* sql */ `create table a (id int primary key); create table b (id int primary key); insert into a values (1); insert into b values (1)`,
    { tables: ['a'] },
  );
  const { source, target, replication } = world;
  const reading = replication.startSource();
  replication.startSink();
  await replication.settled();
  await source.query(
    /* sql */ `alter table a add column v text; insert into a values (2, 'x'); insert into b values (2)`,
  );
  await replication.settled();
  await reading.stop();
  replication.startSource();
  await source.query(/* sql */ `truncate a, b; insert into a values (3, 'y'); insert into b values (3)`);
  await replication.settled();
  expect(await replication.expectEqual('a')).toBe(1);
  expect(await target.query(`select to_regclass('public.b') as table`)).toEqual([{ table: null }]);
});

test('another daemon is refused until it is told to take over', async () => {
  await using world = await pair(/* sql */ `create table t (id int primary key); insert into t values (1)`);
  const { source, replication } = world;
  const first = replication.startSource('one');
  replication.startSink();
  await replication.settled();
  await first.stop();
  const refused = replication.startSource('two', { incarnation: undefined, stored: undefined, takeOver: false });
  await source.query(/* sql */ `insert into t values (2)`);
  await eventually(() => replication.sourceProgress.state === 'starting', 'the refused source to wait');
  await refused.stop();
  expect(refused.failure).toBeUndefined();
  replication.startSource('two', { incarnation: undefined, stored: undefined, takeOver: true });
  await replication.settled();
  expect(await replication.expectEqual('t')).toBe(2);
});

test('a transaction larger than every buffer arrives whole', async () => {
  await using world = await pair(/* sql */ `create table t (id int primary key, v text)`, {
    wal: { maxBatchBytes: 128 * 1024 },
  });
  const { source, replication, target } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await source.query(/* sql */ `insert into t select g, repeat('y', 100) from generate_series(1, 50000) g`);
  let seen = 0;
  await eventually(async () => {
    const [row] = await target.query<{ n: string }>('select count(*) as n from t');
    seen = Number(row?.n);
    if (seen !== 0 && seen !== 50_000) throw new Error(`The replica showed ${seen} rows of a transaction`);
    return seen === 50_000;
  }, 'the transaction');
  await replication.settled();
  expect(await replication.expectEqual('t')).toBe(50_000);
});
