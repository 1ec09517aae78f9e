import type { StatementCase } from './statement-case.ts';

const columns = (count: number, type: string): string =>
  Array.from({ length: count }, (_, i) => `c${i} ${type}`).join(', ');

/** Partitions, inheritance, generated columns, and tables of every shape and name. */
export const SHAPE_STATEMENTS: readonly StatementCase[] = [
  {
    name: 'partitions: every level, rows that move, defaults, direct writes',
    setup: `create table t (id int, at date, v text, primary key (id, at)) partition by range (at);
      create table p1 partition of t for values from ('2024-01-01') to ('2025-01-01'); create table p2 partition of t for values from ('2025-01-01') to ('2026-01-01') partition by list (id);
      create table p2a partition of p2 for values in (1, 2, 3); create table p2b partition of p2 default; create table rest partition of t default;
      insert into t select i, date '2024-06-01' + 100 * i, 'v' from generate_series(1, 12) i;`,
    stream: [
      `update t set at = at + 400`,
      `update t set v = 'w' where id < 4; delete from t where id = 5; update t set id = 2, at = '2025-02-02' where id = 6`,
      `insert into p1 values (50, '2024-02-02', 'direct'); insert into p2b values (51, '2025-03-03', 'direct'); delete from rest where id = 12`,
      `create table p3 partition of t for values from ('2020-01-01') to ('2021-01-01'); insert into t values (60, '2020-05-05', 'new partition')`,
      `create table p4 (id int not null, at date not null, v text, primary key (id, at)); alter table t attach partition p4 for values from ('2019-01-01') to ('2020-01-01'); insert into t values (61, '2019-05-05', 'attached'); update t set at = at - 365 where id = 60`,
      `truncate p3`,
    ],
    tables: ['t'],
    absent: ['p1', 'p2', 'p2a'],
    quick: true,
  },
  {
    name: 'partitions: one with other column order and dropped columns',
    setup: `create table t (a int primary key, b text, c numeric) partition by hash (a); create table p0 (gone int, c numeric, b text, a int not null); alter table p0 drop column gone;
      alter table t attach partition p0 for values with (modulus 2, remainder 0); create table p1 partition of t for values with (modulus 2, remainder 1); insert into t select i, 'b' || i, i * 1.50 from generate_series(1, 20) i`,
    stream: [
      'update t set c = c + 1',
      'update t set a = a + 100',
      'delete from t where a % 3 = 0',
      `insert into t values (1, 'one', 1.0), (2, 'two', 2.0)`,
    ],
    tables: ['t'],
  },
  {
    name: 'partition attached with rows',
    setup: `create table t (id int primary key, v text) partition by range (id); create table p1 partition of t for values from (0) to (100); insert into t values (1, 'a');
      create table other (id int primary key, v text); insert into other values (101, 'b'), (102, 'c')`,
    stream: [`alter table t attach partition other for values from (100) to (200)`, `insert into t values (103, 'd')`],
    tables: ['t'],
  },
  {
    name: 'partition detached',
    setup: `create table t (id int primary key, v text) partition by range (id); create table p1 partition of t for values from (0) to (100);
      create table p2 partition of t for values from (100) to (200); insert into t values (1, 'a'), (101, 'b')`,
    stream: [`alter table t detach partition p2`, `insert into t values (2, 'd')`],
    tables: ['t'],
  },
  {
    name: 'partition dropped',
    setup: `create table t (id int primary key, v text) partition by range (id); create table p1 partition of t for values from (0) to (100);
      create table p2 partition of t for values from (100) to (200); insert into t values (1, 'a'), (101, 'b')`,
    stream: [`drop table p2`, `insert into t values (2, 'd')`],
    tables: ['t'],
  },
  {
    name: 'inheritance',
    setup: `create table parent (id int primary key, v text); create table child (extra numeric, primary key (id)) inherits (parent); insert into parent values (1, 'p'); insert into child values (2, 'c', 1.0);`,
    stream: [
      `update parent set v = v || '!'`,
      `insert into child values (3, 'c', null)`,
      `delete from parent where id = 2`,
      `truncate only parent; insert into parent values (9, 'only')`,
    ],
    tables: ['parent', 'child'],
    quick: true,
  },
  {
    name: 'generated columns, stored',
    setup: `create table t (id int primary key, a numeric, b numeric generated always as (a * 2 + 1) stored, c text generated always as (upper(coalesce(a::text, 'none'))) stored); insert into t (id, a) values (1, 1.50), (2, null), (3, 'NaN')`,
    stream: [
      'insert into t (id, a) values (4, 2.0)',
      'update t set a = a + 0.10',
      'update t set id = id + 10',
      'delete from t where id = 12',
    ],
    tables: ['t'],
    quick: true,
  },
  {
    name: 'generated columns, virtual',
    setup: `create table t (id int primary key, a int, b int generated always as (a * 2) virtual); insert into t (id, a) values (1, 1), (2, null)`,
    stream: ['insert into t (id, a) values (4, 2)', 'update t set a = a + 1', 'update t set id = id + 10'],
    tables: ['t'],
    since: 18,
  },
  {
    name: 'generated columns that come, go and change',
    setup: `create table t (id int primary key, a int, gone int generated always as (a * 2) stored, other int generated always as (a + 1) stored); insert into t (id, a) values (1, 1), (2, null)`,
    stream: [
      'alter table t drop gone, add late text generated always as (a || $$x$$) stored; insert into t (id, a) values (3, 3)',
      'alter table t drop other, drop late; alter table t alter a type bigint; alter table t add other bigint generated always as (a + 2) stored, add late text generated always as (a || $$y$$) stored; update t set a = 5000000000 where id = 1',
      'insert into t (id, a) values (4, 4)',
    ],
    tables: ['t'],
    declares: false,
  },
  {
    name: 'identity columns and sequences',
    setup: `create table t (id int generated always as identity primary key, s serial, d int generated by default as identity (start -100 increment -5), v text); insert into t (v) values ('a'), ('b')`,
    stream: [
      `insert into t (v) values ('c')`,
      `insert into t (id, d, v) overriding system value values (77, 7, 'd')`,
      `update t set d = default, v = 'e' where id = 1`,
      'delete from t where id = 2',
    ],
    tables: ['t'],
    quick: true,
  },
  {
    name: 'unlogged and temporary tables, views, sequences, large objects, messages: ignored',
    setup: `create unlogged table u (id int primary key); create table t (id int primary key); create view v as select * from t; create materialized view m as select * from t; create sequence s`,
    stream: [
      `begin; insert into u values (1); create temporary table x (id int primary key); insert into x values (1); insert into t values (1); commit; drop table x`,
      `begin; select pg_logical_emit_message(true, 'drop', 'table t'); select pg_logical_emit_message(false, 'p', 'm'); select nextval('s'); select lo_create(0); refresh materialized view m; insert into v values (2); commit`,
      `notify somebody, 'something'; truncate u; drop view v`,
    ],
    tables: ['t'],
    absent: ['u', 'v', 'm'],
    quick: true,
  },
  {
    name: '1,600 columns',
    setup: `create table t (id int primary key, ${columns(1599, 'int2')}); insert into t (id, c0, c1598) values (1, 1, 2), (2, null, 3), (3, 3, 3); create table f (${columns(1600, 'bool')}); alter table f replica identity full; insert into f (c7) values (true), (false), (null)`,
    stream: [
      'update t set c0 = c0 + 1, c1598 = null where id < 3',
      'update t set id = id + 10',
      `insert into t (id, c1598) values (4, 4)`,
      'insert into t select i, i from generate_series(100, 350) i',
      'update t set c5 = 7',
      'update t set id = id + 1000',
      'delete from t where id = 1011',
      'update f set c9 = true where c7; delete from f where c7 is null',
    ],
    tables: ['t', 'f'],
  },
  {
    name: 'names: quotes, dots, spaces, unicode, case, reserved words, __proto__',
    setup: `create table "A" ("ID" int primary key, "id" text, "Id" text, "i d" text, "i.d" text, "i""d" text, "i'd" text, "__proto__" text, "constructor" text, "toString" text, "ünï" text, "😀" text, "select" text, "1st" text, "a-b" text, "a_b" text, "c0" text, "o0" text, "$1" text, "%s" text, "\\" text);
      create table a (id int primary key, "hasOwnProperty" text); create table "we ird. na""me's" (id int primary key, v text); create table "__proto__" (id int primary key, v text); create table "select" ("from" int primary key, "where" text);
      create table "ünï😀" ("ключ" int primary key, v text); create table "${'n'.repeat(63)}" ("${'c'.repeat(63)}" int primary key, v text);
      create table "a.b" (id int primary key); create table "a_b" (id int primary key); create table "a b" (id int primary key);
      insert into "A" values (1${", 'x'".repeat(20)}); insert into a values (1, 'a'); insert into "we ird. na""me's" values (1, 'v'); insert into "__proto__" values (1, 'v'); insert into "a.b" values (1); insert into "a b" values (2)`,
    stream: [
      `insert into "A" values (2${", 'y'".repeat(20)}); update "A" set "ID" = 10, "i""d" = 'q', "__proto__" = 'p' where "ID" = 1; delete from "A" where "ID" = 2`,
      `update a set "hasOwnProperty" = 'b'; insert into a values (2, null)`,
      `update "we ird. na""me's" set v = 'w'; insert into "__proto__" values (2, 'w'); update "__proto__" set v = 'x' where id = 1; insert into "select" values (1, 'f'); update "select" set "from" = 2`,
      `insert into "ünï😀" values (1, 'u'); update "ünï😀" set "ключ" = 2; insert into "${'n'.repeat(63)}" values (1, 'n'); update "${'n'.repeat(63)}" set v = 'm'`,
      `insert into "a.b" values (3); insert into "a_b" values (4); insert into "a b" values (5); delete from "a.b" where id = 1`,
    ],
    tables: [
      '"A"',
      'a',
      `"we ird. na""me's"`,
      '"__proto__"',
      '"select"',
      '"ünï😀"',
      `"${'n'.repeat(63)}"`,
      '"a.b"',
      '"a_b"',
      '"a b"',
    ],
    quick: true,
  },
  {
    name: 'collations, storage, defaults, constraints',
    setup: `create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      create table t (id text collate "C" primary key, a text collate "POSIX", n text collate ci, d text default 'it''s', e timestamptz default now(), f int default 7 check (f > 0), g numeric(10,2) not null default 0.10);
      insert into t (id, n) values ('a', 'X'), ('B', 'x')`,
    stream: [`insert into t (id) values ('c'), ('D')`, `update t set id = 'e' where id = 'a'; update t set n = 'y'`],
    tables: ['t'],
  },
  {
    name: 'columns added, retyped, renamed and dropped between rows',
    setup: `create table t (id int primary key, a text, b int, gone text); insert into t values (1, 'a', 1, 'g')`,
    stream: [
      `alter table t add c numeric(6,2) default 1.50; insert into t values (2, 'b', 2, 'g')`,
      `alter table t alter b type bigint; update t set b = 5000000000 where id = 1`,
      `alter table t rename a to "A b"; update t set "A b" = 'renamed' where id = 2`,
      `alter table t drop gone; insert into t values (3, 'c', 3)`,
      `begin; insert into t values (4, 'd', 4, 4); alter table t add late int[]; insert into t values (5, 'e', 5, 5, '{1,NULL}'); commit`,
      `alter table t alter c set not null, alter c drop default; update t set c = 9 where id = 1`,
    ],
    tables: ['t'],
    declares: false,
    quick: true,
  },
];
