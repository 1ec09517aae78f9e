import { expect, test } from 'vitest';
import { connect } from '../../../src/postgres/connect.ts';
import { triggerWorld } from './trigger-fixture.ts';

const SCHEMA = `
  create type mood as enum ('so so', 'ha"ppy', 'c,d');
  create type pair as (a int, b text);
  create domain short as varchar(10) check (value <> 'no');
  create table v (id int primary key, t text, b bytea, f float8, r real, n numeric, ts timestamp, tz timestamptz, d date, i interval, tm timetz,
    a text[], aa int[][], p pair, pp pair[], m mood, mm mood[], s short, j json, jb jsonb, x xml, rg int4range, mr nummultirange, u uuid, mo money, bt bit(5),
    gone int, g int generated always as (id * 2) stored, ip inet, c "char", o oid);
  alter table v drop column gone;
  create table one (v text);
  create table "Od""d.t" ("a b" text, "c""d" int, primary key ("a b"))`;

/** Rows of table v besides their id, as SQL. */
const ROWS = [
  `t = E'tab\\there\\nnew\\\\line "quoted" ''single'' ,(){}[] \\r\\f\\v\\b end ', b = '\\x00ff5c22', f = 'NaN', r = '-Infinity', n = 'Infinity'`,
  `t = '', a = '{}', aa = '{{1,2},{3,NULL}}', p = row(null, null)::pair, pp = array[row(1, 'a"b\\c')::pair, null], m = 'ha"ppy', mm = '{"c,d",NULL,"so so"}'`,
  `f = 0.1 + 0.2, r = 1.1, n = 12345678901234567890.123456789, ts = 'infinity', tz = '-infinity', d = '0044-03-15 BC', i = '1 year -2 mons +3 days -04:05:06.789', tm = '23:59:59.999999+14'`,
  `a = array['a,b', 'NULL', null, '', 'q"q', 'back\\slash', '{x}'], s = 'short one', j = '{"a" :  "\\u00e9", "a": 1}', jb = '{"k": [1, 2.50, "x"]}', x = '<a b="c">&amp;</a>'`,
  `rg = 'empty', mr = '{[1.5,2),[3,)}', u = '00000000-0000-0000-0000-000000000001', mo = '-1234.56', bt = '10101', ip = '10.1.2.3/8', c = 'x', o = 4294967295`,
  `f = '-0', r = 3.4028235e38, f = 5e-324, tz = '2024-02-29 12:34:56.789012+05:30', t = repeat('ä€𝄞 "\\', 20000)`,
].map((row) => row.replace(`f = '-0', r = 3.4028235e38, f =`, `r = 3.4028235e38, f =`));

test('every value arrives as it was, whatever the session that wrote it prints like', async () => {
  await using world = await triggerWorld('trigger_values', SCHEMA);
  const { source, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  const hostile = await connect(source.settings, 'rowcast test', {
    DateStyle: 'German, DMY',
    IntervalStyle: 'sql_standard',
    TimeZone: 'Asia/Tokyo',
    extra_float_digits: '-3',
    bytea_output: 'escape',
    search_path: 'public',
  });
  for (const [i, row] of ROWS.entries()) {
    await hostile.query(
      `insert into v (id) values (${i}); update v set ${row} where id = ${i}; insert into v (id) values (${100 + i}); `,
    );
    await hostile.query(`update v set id = ${200 + i}, ${row} where id = ${100 + i}`);
  }
  await hostile.query(
    `insert into one values (null), (''), ('x'), (null); insert into one default values; delete from one where v = 'x'`,
  );
  await hostile.query(
    `insert into "Od""d.t" values ('k', 1), ('l', null); update "Od""d.t" set "a b" = 'K' where "a b" = 'k'`,
  );
  await hostile.end();
  await replication.settled();
  expect(await replication.expectEqual('v', 'one', 'Od"d.t')).toBe(ROWS.length * 2 + 4 + 2);
});

test('a row is read with the columns that its table had when it was written', async () => {
  await using world = await triggerWorld('trigger_shapes', `create table s (id int primary key, a int, b text)`);
  const { source, replication } = world;
  replication.startSink();
  const first = replication.startSource();
  await replication.settled();
  await first.stop();
  await source.query(
    `insert into s values (1, 1, 'one'); alter table s add c numeric default 7; insert into s values (2, 2, 'two', 2.5)`,
  );
  await source.query(
    `update s set c = 9 where id = 1; alter table s drop column a; insert into s values (3, 'three', 3)`,
  );
  await source.query(
    `alter table s add a text; alter table s alter id type bigint; insert into s values (4, 'four', 4, 'a"a')`,
  );
  await source.query(
    `begin; alter table s rename b to bb; insert into s (id, bb) values (5, 'five'); commit; delete from s where id = 2`,
  );
  replication.startSource();
  await replication.settled();
  expect((await world.target.query(`select id::int, c::text from s order by id`)).map((row) => row['id'])).toEqual([
    1, 3, 4, 5,
  ]);
});
