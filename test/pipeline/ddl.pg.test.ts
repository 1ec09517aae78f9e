import { expect, test } from 'vitest';
import { describeError, OperatorError } from '../../src/errors.ts';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { connect } from '../../src/postgres/connect.ts';
import { DDL_KINDS, type DdlKind } from '../../src/sink/postgres/settings.ts';
import { installDdl, uninstallDdl } from '../../src/source/wal/ddl/ddl-log.ts';
import { type Database, freshDatabase, servers } from '../support/postgres.ts';
import { eventually, Replication, type ReplicationOptions } from './replication.ts';

/** A pair of databases, DDL replication set up at the source, and the loops between them, not yet started. */
async function pair(sql: string, options: Partial<ReplicationOptions> = {}, server?: ConnectionSettings) {
  const source = await freshDatabase('source', server);
  const target = await freshDatabase('target');
  await source.query(sql);
  await installDdl(source.client, [source.settings.user]);
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

/** Everything that the catalog says of the tables and types of the users' schemas, in words. */
async function catalogOf(database: Database): Promise<string[]> {
  await database.query(`set search_path = ''`);
  const rows = await database.query<{ line: string }>(CATALOG);
  await database.query('set search_path = public');
  return rows.map(({ line }) => line);
}

const CATALOG = /* sql */ `
  with users as (select oid, nspname from pg_namespace where nspname !~ '^(pg_|information_schema$|rowcast$)'),
  tables as (select c.oid, c.oid::regclass::text as name from pg_class c join users u on u.oid = c.relnamespace where c.relkind in ('r', 'p') and not c.relispartition)
  select 'schema ' || nspname as line from users
  union all select 'column ' || t.name || '.' || quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
      || case when a.attnotnull then ' not null' else '' end || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') || ' ' || a.attgenerated::text
    from tables t join pg_attribute a on a.attrelid = t.oid left join pg_attrdef d on d.adrelid = t.oid and d.adnum = a.attnum
    where a.attnum > 0 and not a.attisdropped
  union all select 'constraint ' || t.name || ' ' || conname || ' ' || pg_get_constraintdef(k.oid) || ' ' || convalidated
    from tables t join pg_constraint k on k.conrelid = t.oid where contype <> 'n'
  union all select 'index ' || replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') from tables t join pg_index i on i.indrelid = t.oid
  union all select 'enum ' || y.oid::regtype || ' ' || array(select enumlabel from pg_enum where enumtypid = y.oid order by enumsortorder)::text
    from pg_type y join users u on u.oid = y.typnamespace where y.typtype = 'e'
  union all select 'domain ' || y.oid::regtype || ' ' || format_type(y.typbasetype, y.typtypmod) || ' ' || y.typnotnull || ' '
      || array(select conname || ' ' || pg_get_constraintdef(k.oid) from pg_constraint k where k.contypid = y.oid and contype = 'c' order by 1)::text
    from pg_type y join users u on u.oid = y.typnamespace where y.typtype = 'd'
  union all select 'composite ' || y.oid::regtype || ' ' || array(select attname || ' ' || format_type(atttypid, atttypmod) from pg_attribute where attrelid = y.typrelid order by attnum)::text
    from pg_type y join users u on u.oid = y.typnamespace join pg_class c on c.oid = y.typrelid and c.relkind = 'c'
  order by 1`;

/** Compares the rows of every table of the users' schemas, as text. */
async function expectSame(source: Database, target: Database): Promise<void> {
  expect(await catalogOf(target)).toEqual(await catalogOf(source));
  const tables = await source.query<{
    name: string;
  }>(/* sql */ `select case c.relkind when 'p' then '' else 'only ' end || c.oid::regclass as name from pg_class c
    join pg_namespace n on n.oid = c.relnamespace where n.nspname !~ '^(pg_|information_schema$|rowcast$)' and c.relkind in ('r', 'p') and not c.relispartition`);
  for (const { name } of tables) {
    const sql = `select coalesce(jsonb_agg(to_jsonb(t) order by to_jsonb(t)::text), '[]')::text as rows from ${name} t`;
    const [there, here] = [await source.query<{ rows: string }>(sql), await target.query<{ rows: string }>(sql)];
    expect(here[0]?.rows, `rows of ${name}`).toBe(there[0]?.rows);
  }
}

const SHOP = /* sql */ `
  create table shop (id int primary key, name text not null);
  create table load (id bigint generated always as identity primary key, n int, at timestamptz default now());
  insert into shop select i, 'shop ' || i from generate_series(1, 50) i;`;

/** Statements, each with writes before and after it, in the order of a life of a schema. */
const STATEMENTS = [
  `create schema "Sales"`,
  `create type mood as enum ('sad', 'happy')`,
  `create domain price as numeric(10, 2) check (value >= 0)`,
  `create type place as (street text, no int)`,
  `create table customer (id int primary key, name varchar(20) not null, mood mood default 'sad', at place, constraint named check (name <> ''))`,
  `insert into customer select i, 'c' || i, 'happy', row('s', i)::place from generate_series(1, 40) i`,
  `create table "Sales"."Order" (id int generated by default as identity primary key, customer int references customer on delete cascade, total price, note text default 'none',
     doubled numeric generated always as (total * 2) stored, unique (customer, note))`,
  `insert into "Sales"."Order" (customer, total, note) select 1 + i % 40, i, 'n' || i from generate_series(1, 60) i`,
  `alter table customer add column since date default '2020-02-02' not null, add column tags text[]`,
  `update customer set tags = '{a,b}' where id % 2 = 0`,
  `alter table customer rename column name to "Full Name"`,
  `update customer set "Full Name" = 'x' || id where id % 3 = 0`,
  `alter table customer rename to client`,
  `insert into client (id, "Full Name") values (1000, 'late')`,
  `alter table client set schema "Sales"`,
  `delete from "Sales".client where id = 2 and false`,
  `create index client_name on "Sales".client (lower("Full Name") text_pattern_ops, id desc) where id > 5`,
  `create index concurrently client_since on "Sales".client (since)`,
  `alter index "Sales".client_since rename to client_since_2`,
  `alter type mood add value 'ok' before 'happy'`,
  `update "Sales".client set mood = 'ok' where id < 5`,
  `alter type mood rename value 'sad' to 'blue'`,
  `alter type mood rename to feeling`,
  `alter table "Sales".client alter column mood drop default, alter column "Full Name" drop not null`,
  `alter table "Sales".client alter column "Full Name" type int using case when "Full Name" ~ '^c\\d+$' then substr("Full Name", 2)::int else -id end`,
  `alter table "Sales".client alter column since type timestamptz`,
  `alter table "Sales".client drop column tags, add constraint since_ok check (since > '2000-01-01') not valid`,
  `alter table "Sales".client validate constraint since_ok`,
  `alter table "Sales".client rename constraint named to renamed`,
  `alter table "Sales"."Order" alter column note set default 'some', alter column total set not null`,
  `alter table "Sales"."Order" add constraint total_once exclude (id with =)`,
  `alter domain price add constraint small check (value < 1000000)`,
  `alter table shop alter column id type bigint, add column owner int references "Sales".client`,
  `update shop set owner = 1 where id < 10`,
  `alter table shop drop constraint shop_pkey cascade; alter table shop add primary key (id, name)`,
  `create table like_shop (like shop including all)`,
  `insert into like_shop select * from shop`,
  `create table old_one (id int primary key); insert into old_one values (1); drop table old_one`,
  `drop index "Sales".client_name`,
  `drop index concurrently "Sales".client_since_2`,
  `create table measure (at date not null, v int, primary key (at, v)) partition by range (at);
     create table measure_1 partition of measure for values from ('2020-01-01') to ('2021-01-01');
     create table measure_2 partition of measure for values from ('2021-01-01') to ('2022-01-01');
     insert into measure select '2020-12-25'::date + i, i from generate_series(1, 20) i`,
  `alter table measure detach partition measure_1; drop table measure_1`,
  `create table measure_3 (at date not null, v int, primary key (at, v)); insert into measure_3 values ('2022-05-05', 1), ('2022-05-06', 2);
     alter table measure attach partition measure_3 for values from ('2022-01-01') to ('2023-01-01'); update measure set v = v + 1 where at > '2022-05-05'`,
  `create table child (extra text, check (extra <> 'no')) inherits (shop); alter table child replica identity full; insert into child (id, name, extra) values (900, 'c', 'e')`,
  `alter table shop add column all_of int default 7; alter table shop rename all_of to all_of_them; update child set extra = 'f'`,
  `create type passing as enum ('x'); alter table shop add column passing passing default 'x'; drop type passing cascade`,
  `create table parent (a int, b int, primary key (a, b), unique (b));
     create table kid (id int primary key, a int, b int, foreign key (a, b) references parent on update cascade deferrable, foreign key (b) references parent (b));
     insert into parent values (1, 2); insert into kid values (1, 1, 2); alter table parent rename b to bb; drop table parent cascade`,
  `alter schema "Sales" rename to sales2`,
  `insert into sales2.client (id, since) values (1001, 'now')`,
  `create schema gone create table t (id int primary key); insert into gone.t values (1)`,
  `drop schema gone cascade`,
];

/** Who is late: nobody, the source (whose catalog is then far ahead of its stream), or the sink. */
test.each(['nobody', 'source', 'sink'])(
  'DDL of every kind, between writes, is on the replica what it was at the source, late: %s',
  async (late) => {
    await using world = await pair(SHOP);
    const { source, target, replication } = world;
    const reading = replication.startSource();
    const applying = replication.startSink();
    await replication.settled();
    if (late === 'source') await reading.stop();
    if (late === 'sink') await applying.stop();
    await source.query(`set timezone = 'Asia/Tokyo'`);
    for (const [i, statement] of STATEMENTS.entries()) {
      await source.query(`insert into load (n) select ${i} from generate_series(1, 20)`);
      await source.query(statement);
      await source.query(`update load set n = n + 1 where n = ${i} and id % 3 = 0`);
    }
    await source.query(`set timezone = 'UTC'`);
    if (late === 'source') replication.startSource();
    if (late === 'sink') replication.startSink();
    await replication.settled();
    await expectSame(source, target);
    expect(replication.warnings).toEqual([]);
  },
);

test.each(servers.filter(({ name }) => name !== 'embedded'))('DDL of every kind arrives from $name', async (kind) => {
  await using server = await kind.start();
  await using world = await pair(SHOP, {}, server.settings());
  const { source, target, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  for (const statement of STATEMENTS) await source.query(statement);
  await replication.settled();
  await expectSame(source, target);
});

test('statements meet writers, and both sides stop and start in between', async () => {
  await using world = await pair(/* sql */ `
    create table account (id int primary key, owner text, balance int not null);
    insert into account select i, 'o' || i, 100 from generate_series(1, 100) i;`);
  const { source, target, replication } = world;
  let reading = replication.startSource();
  let applying = replication.startSink();
  await replication.settled();
  const writing = new AbortController();
  const writers = [1, 2, 3].map((n) => writeUntil(source, n, writing.signal));
  const statements = [
    `alter table account add column note text default 'new'`,
    `begin; insert into account (id, owner, balance) values (10001, 'before', 1); alter table account add column color text;
       insert into account (id, owner, balance, color) values (10002, 'after', 1, 'red'); alter table account rename color to colour;
       update account set colour = 'blue' where id = 10002; commit`,
    `begin; alter table account add column never int; insert into account (id, balance, never) values (10003, 1, 1); rollback`,
    `create table entry (id bigint generated by default as identity primary key, account int, amount numeric); insert into entry (account, amount) values (1, 5)`,
    `alter table account alter column balance type numeric(20, 2) using balance / 4.0`,
    `alter table account rename owner to holder; alter table account rename holder to owner`,
    `create index on account (owner)`,
    `alter table account drop column note`,
    `alter table entry rename to posting; create table entry (id int primary key, other text); insert into entry values (1, 'x')`,
    `begin; alter table entry rename to swap; alter table posting rename to entry; alter table swap rename to posting; insert into posting values (2, 'y'); commit`,
    `truncate entry; alter table entry add column late text`,
    `alter table account add column at timestamptz default now()`,
  ];
  for (const [i, statement] of statements.entries()) {
    if (i % 3 === 1) await reading.stop();
    if (i % 4 === 2) await applying.stop();
    await source.query(statement);
    if (i % 3 === 1) reading = replication.startSource();
    if (i % 4 === 2) applying = replication.startSink();
    await new Promise((resolve) => setImmediate(resolve));
  }
  writing.abort();
  await Promise.all(writers);
  await replication.settled();
  await expectSame(source, target);
  expect([reading.failure, applying.failure]).toEqual([undefined, undefined]);
});

/** Changes accounts in transactions of all kinds, whatever columns there are, until it is told to stop. */
async function writeUntil(source: Database, n: number, signal: AbortSignal): Promise<void> {
  const client = await connect(source.settings, 'rowcast test');
  try {
    await client.query('set search_path = public');
    for (let i = 0; !signal.aborted; i++) {
      await client.query(/* sql */ `begin; update account set balance = balance + 1 where id % 7 = ${(i + n) % 7};
        insert into account (id, owner, balance) values (${n * 100_000 + i}, 'w', ${i}); delete from account where id = ${n * 100_000 + i - 5};
        ${i % 4 === 0 ? 'rollback' : 'commit'}`);
    }
  } finally {
    await client.end();
  }
}

test('a target transaction that fails takes its DDL along, and it is replayed whole', async () => {
  await using world = await pair(
    /* sql */ `create table t (id int primary key, v text); insert into t values (1, 'a')`,
    {
      sink: { lockTimeoutMs: 200 },
    },
  );
  const { source, target, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await target.query('begin; lock table t in access share mode');
  await source.query(
    /* sql */ `create type mood as enum ('a'); alter type mood add value 'b'; create schema other; create domain d as int check (value > 0)`,
  );
  await source.query(/* sql */ `create table u (id int primary key, mood mood, d d); insert into u values (1, 'b', 1);
    alter table t rename v to w; alter table t add column n int default 3; create index on t (w)`);
  await source.query(`alter type mood add value 'c'; insert into t values (2, 'b', 4)`);
  const waited = await connect(target.settings, 'rowcast test');
  const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and application_name like 'rowcast sink%' and datname = current_database()`;
  for (const wanted of [1, 0, 1]) {
    await eventually(
      async () => (await waited.query(waiting)).rowCount === wanted,
      'the sink to wait for the lock, and to give up',
    );
  }
  await waited.end();
  await target.query('commit');
  await replication.settled();
  await expectSame(source, target);
});

test('only captured tables are followed, also new ones', async () => {
  await using world = await pair(
    /* sql */ `create table keep_a (id int primary key, secret text, v int); create table other (id int primary key)`,
    {
      wal: { tableInclude: ['public\\.keep_.*'], columnExclude: ['.*\\.secret'] },
    },
  );
  const { source, target, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await source.query(/* sql */ `alter table other add column v int; create table other_b (id int); insert into other_b values (1); update other_b set id = 2;
    create table keep_b (id int primary key, secret text not null, v int, unique (secret), unique (v)); insert into keep_b values (1, 's', 2);
    alter table keep_a add column secret2 int, alter column secret set not null; insert into keep_a values (1, 's', 2, 3);
    alter table keep_a alter column secret type int using 5; create index on keep_a (secret)`);
  await replication.settled();
  const tables = await target.query(
    /* sql */ `select table_name || '.' || column_name as c from information_schema.columns where table_schema = 'public' order by 1`,
  );
  expect(tables.map(({ c }) => c)).toEqual(['keep_a.id', 'keep_a.secret2', 'keep_a.v', 'keep_b.id', 'keep_b.v']);
  expect(await target.query('select * from keep_b')).toEqual([{ id: 1, v: 2 }]);
  expect(await target.query('select id, v, secret2 from keep_a')).toEqual([{ id: 1, v: 2, secret2: 3 }]);
});

test('somebody without rights can write nothing that is replayed', async () => {
  await using world = await pair(
    /* sql */ `create table t (id int primary key, v text); insert into t values (1, 'a')`,
  );
  const { source, target, replication } = world;
  const role = `mallory_${process.pid}`;
  await source.query(
    /* sql */ `create role ${role} login; grant create on database ${source.settings.database} to ${role}; grant all on schema public to ${role}`,
  );
  try {
    replication.startSource();
    replication.startSink();
    await replication.settled();
    const mallory = await connect(source.settings, 'rowcast test');
    try {
      await mallory.query(`set session authorization ${role}; set search_path = public`);
      const attempts = [
        `insert into rowcast.ddl (tag, body) values ('ALTER TABLE', '{}')`,
        `select rowcast.record_objects('ddl_command_end', 'CREATE TABLE', '{}')`,
        `select rowcast.record_ddl()`,
        `select rowcast.publish_ddl('pub_${source.settings.database}', '{}')`,
        `update rowcast.ddl_state set state = '{}'`,
        `create event trigger mine on ddl_command_end execute function rowcast.record_ddl()`,
        `alter event trigger rowcast_ddl disable`,
        `set session_replication_role = replica`,
        `create table x as select rowcast.record_objects('ddl_command_end', 'CREATE TABLE', '{}')`,
      ];
      for (const attempt of attempts)
        await expect(mallory.query(attempt), attempt).rejects.toThrow(/permission denied|must be|can only be called/);
      await mallory.query(
        `select pg_logical_emit_message(true, 'rowcast', 'drop table t'); select pg_logical_emit_message(true, 'ddl', 'drop table t')`,
      );
      await mallory.query(
        /* sql */ `create table "a""; drop table t; --" (id int primary key, "b' || 1; drop table t; --" text default '''; drop table t; --')`,
      );
      await mallory.query(/* sql */ `create schema mine; set search_path = mine, public;
        create function mine.lower(text) returns text language sql immutable as $$ select 'forged' $$;
        create table mine.own (id int primary key, v text); insert into mine.own values (1, 'X');
        alter table mine.own alter column v type text using pg_catalog.lower(v) /* , drop column id */`);
      await mallory.query(
        /* sql */ `create function pg_temp.x() returns int language sql as 'select 1'; alter table mine.own add column w int`,
      );
    } finally {
      await mallory.end();
    }
    await replication.settled();
    await expectSame(source, target);
    await source.query(`insert into t values (2, 'b')`);
    await replication.settled();
    expect(await target.query('select count(*)::int as n from t')).toEqual([{ n: 2 }]);
  } finally {
    await replication[Symbol.asyncDispose]();
    await source.query(`drop owned by ${role} cascade; drop role ${role}`);
  }
});

test('a connector without special rights follows what a superuser has installed', async () => {
  await using source = await freshDatabase('source');
  await using target = await freshDatabase('target');
  const role = `plain_${process.pid}`;
  await source.query(/* sql */ `create role ${role} login replication password 'secret'; create table t (id int primary key); insert into t values (1);
    grant create on database ${source.settings.database} to ${role}; alter table t owner to ${role}`);
  await installDdl(source.client, [role]);
  const settings = { ...source.settings, user: role, password: 'secret' };
  {
    await using replication = await Replication.open({ source: settings, target: target.settings });
    replication.startSource();
    replication.startSink();
    await replication.settled();
    await source.query(
      `alter table t add column v text default 'x'; create table u (id int primary key, v int check (v > 0)); insert into u values (1, 2); drop table t`,
    );
    await source.query(`create table t (id int); insert into t values (1)`);
    await expect(source.query('update t set id = 2')).rejects.toThrow('does not have a replica identity');
    await replication.settled();
    await expectSame(source, target);
    expect(replication.warnings).toEqual([]);
  }
  await source.query(
    `select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = current_database()`,
  );
  await source.query(`drop owned by ${role} cascade; drop role ${role}`);
});

test('a table that is only called rowcast.ddl is not believed', async () => {
  await using world = await pair(/* sql */ `create table t (id int primary key)`);
  const { source, target, replication } = world;
  await uninstallDdl(source.client);
  await source.query(/* sql */ `create schema rowcast; create table rowcast.ddl (id int primary key, tag text, body text);
    create publication pub_${source.settings.database} for all tables`);
  await using other = await Replication.open({
    source: source.settings,
    target: target.settings,
    wal: { publicationAutocreateMode: 'all_tables' },
  });
  other.startSource();
  other.startSink();
  await other.settled();
  const change = { before: { kind: 'schema', oid: 1, name: 'public' }, after: null };
  await source.query(
    `insert into rowcast.ddl values (1, 'DROP SCHEMA', '${JSON.stringify({ format: 1, session: {}, changes: [change] })}'); insert into t values (1)`,
  );
  await other.settled();
  expect(await target.query('select * from t')).toEqual([{ id: 1 }]);
  expect(other.warnings.join()).toContain('rowcast.ddl are passed over');
  void replication;
});

/** Statements that only the source can do, and what the sink says of them. */
const REFUSED: readonly [string, RegExp, string][] = [
  [
    `do $$ begin alter table t alter column v type int using length(v); end $$`,
    /Column "v" of table "public"\."t" became integer at the source, it was text/,
    `alter table t alter column v type int using length(v)`,
  ],
  [
    `alter table t alter column v type varchar using query_to_xml('select 1', true, true, '')::text`,
    /The conversion of column "v" .* calls a function that the sink does not run/,
    `alter table t alter column v type varchar`,
  ],
  [
    `alter table t add constraint c check (twice(v) <> '')`,
    /Constraint c of table "public"\."t" calls a function that the sink does not run/,
    `alter table t add constraint c check (v <> '')`,
  ],
  [
    `create index i on t (twice(v))`,
    /Index i on table "public"\."t" calls a function that the sink does not run/,
    `create index i on t (v)`,
  ],
  [
    `alter table t add column u uuid default gen_random_uuid()`,
    /Column "u" was added with values that only the source knows/,
    `alter table t add column u uuid`,
  ],
];

test('what only the source can do stops the sink, and goes on once a person has done it', async () => {
  for (const [statement, message, byHand] of REFUSED) {
    await using world =
      await pair(/* sql */ `create table t (id int primary key, v text); insert into t values (1, 'a');
      create function twice(text) returns text language sql immutable as 'select $1 || $1'`);
    const { source, target, replication } = world;
    replication.startSource();
    const applying = replication.startSink();
    await replication.settled();
    await source.query(statement);
    await applying.ended;
    expect(String(describeError(applying.failure)), statement).toMatch(message);
    expect(applying.failure).toBeInstanceOf(OperatorError);
    await target.query(byHand);
    applying.failure = undefined;
    replication.startSink();
    await replication.settled();
    expect(await target.query('select count(*)::int as n from t')).toEqual([{ n: 1 }]);
  }
});

test('what cannot be seen once a person has done it is passed over when the settings say so', async () => {
  const sink: { ddlReplay: readonly DdlKind[] } = { ddlReplay: DDL_KINDS };
  await using world = await pair(
    /* sql */ `create table t (id int primary key, v text); insert into t values (1, 'a');
    create table p (id int primary key) partition by hash (id); create table p1 partition of p for values with (modulus 1, remainder 0); insert into p values (5)`,
    { sink },
  );
  const { source, target, replication } = world;
  replication.startSource();
  let applying = replication.startSink();
  await replication.settled();
  const refused: readonly [string, RegExp, DdlKind, string][] = [
    [
      `do $$ begin alter table t alter column v type text using v || '!'; end $$`,
      /Values of table "public"\."t" were converted at the source by an expression that only the source knows/,
      'tables',
      `update t set v = v || '!'`,
    ],
    [
      `drop table p1`,
      /Partition public\.p1 has left table "public"\."p" at the source: which rows were in it cannot be told/,
      'partitions',
      'delete from p',
    ],
  ];
  for (const [statement, message, kind, byHand] of refused) {
    await source.query(statement);
    await applying.ended;
    expect(String(describeError(applying.failure)), statement).toMatch(message);
    await target.query(byHand);
    applying.failure = undefined;
    sink.ddlReplay = DDL_KINDS.filter((each) => each !== kind);
    const passing = replication.startSink();
    await replication.settled();
    await passing.stop();
    sink.ddlReplay = DDL_KINDS;
    applying = replication.startSink();
    await source.query(`alter table t add column after_${kind} int; insert into t (id) select max(id) + 1 from t`);
    await replication.settled();
  }
  await replication.expectEqual('t', 'p');
});

test('a table that is created with rows is left out whole, with a word', async () => {
  await using world = await pair(/* sql */ `create table t (id int primary key); insert into t values (1)`);
  const { source, target, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await source.query(
    `create table copied as select * from t; create table empty as select * from t with no data; insert into empty values (4); alter table copied add column v int; insert into t values (2)`,
  );
  await replication.settled();
  expect(replication.warnings.join()).toContain(
    'Table public.copied is not captured: CREATE TABLE AS has created it with rows',
  );
  expect(await target.query(`select to_regclass('public.copied') as copied`)).toEqual([{ copied: null }]);
  await replication.expectEqual('t', 'empty');
});
