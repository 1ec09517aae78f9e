import type { StatementCase } from './statement-case.ts';

const DOC = `create table t (id int primary key, body text, n int); alter table t alter body set storage external;
  insert into t select i, repeat(md5(i::text), 400), 0 from generate_series(1, 9) i;`;

/** Inserts, updates, deletes: TOAST, identities, keys, tables without key. */
export const ROW_STATEMENTS: readonly StatementCase[] = [
  {
    name: 'unchanged TOAST',
    setup: DOC,
    stream: [
      'update t set n = n + 1',
      "begin; update t set n = 5 where id = 1; update t set body = repeat('x', 9000) where id = 1; update t set n = 6 where id = 1; commit",
      "begin; insert into t values (20, repeat('y', 9000), 0); update t set n = 7 where id = 20; commit",
      'begin; delete from t where id = 2; insert into t select 2, body, 8 from t where id = 3; update t set n = 9 where id = 2; commit',
      'update t set body = null where id = 4; update t set n = 10 where id = 4',
    ],
    tables: ['t'],
    quick: true,
    ordinary: true,
  },
  {
    name: 'unchanged TOAST with another key',
    setup: DOC,
    stream: [
      'update t set id = id + 100 where id < 5',
      'begin; update t set n = 1 where id = 5; update t set id = 200 where id = 5; update t set n = 2 where id = 200; update t set id = 201 where id = 200; commit',
      'begin; update t set id = -1 where id = 6; update t set id = 6 where id = 7; update t set id = 7 where id = -1; commit',
      "begin; insert into t values (300, repeat('z', 9000), 0); update t set id = 301 where id = 300; delete from t where id = 8; update t set id = 8 where id = 301; commit",
    ],
    tables: ['t'],
    quick: true,
    ordinary: true,
  },
  {
    name: 'TOAST in many columns of wide updates',
    setup: `create table t (id int primary key, ${['a', 'b', 'c', 'd'].map((c) => `${c} text`).join(', ')});
      ${['a', 'b', 'c', 'd'].map((c) => `alter table t alter ${c} set storage external;`).join('')}
      insert into t select i, ${['a', 'b', 'c', 'd'].map((c) => `repeat('${c}' || i, 2000)`).join(', ')} from generate_series(1, 400) i;`,
    stream: [
      `begin; update t set a = a || '.' where id % 2 = 0; update t set b = b || '.' where id % 3 = 0; update t set c = null where id % 5 = 0; update t set d = d || a where id % 7 = 0; commit`,
      `update t set a = 'short', id = id + 1000 where id % 11 = 0`,
    ],
    tables: ['t'],
  },
  {
    name: 'TOAST under identity full',
    setup: `${DOC} alter table t replica identity full; create table u (n int, body text); alter table u alter body set storage external;
      alter table u replica identity full; insert into u select i % 3, repeat(md5((i % 3)::text), 400) from generate_series(1, 9) i;`,
    stream: [
      'update t set n = n + 1',
      'update t set id = id + 100 where id > 5',
      'delete from t where id = 1',
      'update u set n = n + 10 where ctid = (select min(ctid) from u where n = 1)',
      'delete from u where ctid = (select min(ctid) from u where n = 2)',
    ],
    tables: ['t', 'u'],
    quick: true,
  },
  {
    name: 'TOAST in the key',
    setup: `create table t (k text primary key, n int); alter table t alter k set storage external; alter table t set (toast_tuple_target = 128);
      insert into t select repeat(i::text, 2400), i from generate_series(1, 5) i;`,
    stream: [
      'update t set n = n + 1',
      `update t set k = repeat('k', 2500) where n = 3`,
      'delete from t where n = 4',
      'update t set n = 9',
    ],
    tables: ['t'],
    ordinary: true,
  },
  {
    name: 'identity default, full, index, nothing, and changes between them',
    setup: `create table t (id int primary key, other int not null, v text); create unique index other on t (other);
      insert into t select i, 10 * i, 'v' from generate_series(1, 9) i;`,
    stream: [
      `update t set v = 'default' where id = 1`,
      'alter table t replica identity full',
      `update t set v = 'full' where id = 2; delete from t where id = 3; update t set id = 40 where id = 4`,
      'alter table t replica identity using index other',
      `update t set v = 'index' where id = 5; update t set other = 99 where id = 6; update t set id = 70 where id = 7; delete from t where id = 8`,
      'alter table t replica identity nothing',
      `insert into t values (100, 100, 'nothing')`,
      'alter table t replica identity default',
      `update t set v = 'default again' where id = 100; update t set id = 101 where id = 100; delete from t where id = 9`,
    ],
    tables: ['t'],
    quick: true,
  },
  {
    name: 'identity index from the start, other than the primary key',
    setup: `create table t (id int primary key, a int not null, b text not null, v text); create unique index ab on t (b, a);
      alter table t replica identity using index ab; insert into t select i, i, 'b', 'v' from generate_series(1, 9) i;
      create table u (a int not null unique, v text); alter table u replica identity using index u_a_key; insert into u select i from generate_series(1, 5) i`,
    stream: [
      'update t set id = id + 100',
      `update t set b = 'c', a = a + 1 where a > 5`,
      `delete from t where a = 2`,
      'update u set a = a + 10; update u set v = a; delete from u where a = 12',
    ],
    tables: ['t', 'u'],
    declares: false,
  },
  {
    name: 'identity nothing: inserts',
    setup: `create table t (id int primary key, v text); alter table t replica identity nothing; create table u (v text); insert into u values ('a'), ('a');`,
    stream: [`insert into t select i, 'v' from generate_series(1, 9) i`, `insert into u values ('a'), (null), (null)`],
    tables: ['t', 'u'],
  },
  {
    name: 'no key: of equal rows one',
    setup: `create table t (a int, b text); alter table t replica identity full; insert into t select 1, 'x' from generate_series(1, 5); insert into t values (null, null), (null, null), (2, null);`,
    stream: [
      'delete from t where ctid = (select min(ctid) from t where a = 1)',
      `update t set b = 'y' where ctid = (select max(ctid) from t where a = 1)`,
      'delete from t where ctid = (select min(ctid) from t where a is null)',
      `begin; insert into t values (3, 'z'), (3, 'z'); delete from t where ctid = (select min(ctid) from t where a = 3); update t set a = 4 where a = 3; commit`,
      'update t set a = a',
    ],
    tables: ['t'],
    quick: true,
    ordinary: true,
  },
  {
    name: 'no key: many equal rows at once',
    setup: `create table t (a int, b text); alter table t replica identity full; insert into t select i % 10, 'x' from generate_series(1, 300) i;`,
    stream: [
      'update t set a = a + 1',
      `update t set b = null where a = 3`,
      'delete from t where a > 5',
      `insert into t select 5, 'x' from generate_series(1, 300)`,
    ],
    tables: ['t'],
  },
  {
    name: 'keys: id = id + 1, id = -id, swaps',
    setup: `create table t (id int primary key deferrable, v text); alter table t replica identity full; insert into t select i, 'v' || i from generate_series(1, 300) i;
      create table u (id int not null, v text, constraint u_pkey primary key (id)); insert into u select i, 'v' || i from generate_series(1, 300) i;
      create table w (a int, b int, v text, primary key (a, b)); insert into w select i, -i, 'v' || i from generate_series(1, 50) i`,
    stream: [
      'update t set id = id + 1',
      'update t set id = 302 - id',
      'update u set id = id + 1000; update u set id = id - 999; update u set id = -id',
      'begin; update u set id = 0 where id = -2; update u set id = -2 where id = -3; update u set id = -3 where id = 0; commit',
      'update w set a = b, b = a; update w set b = b + 1',
      'begin; delete from w where a = -1; update w set a = -1, b = 100 where a = -2; insert into w values (-2, 3, null); update w set a = -2, b = 101 where a = -3; commit',
    ],
    tables: ['t', 'u', 'w'],
    declares: false,
    quick: true,
    ordinary: true,
  },
  {
    name: 'keys that are equal, with different texts',
    setup: `create table t (k numeric primary key, v text); insert into t values (1.0, 'a'), (2.00, 'b'), (3, 'c');
      create table u (k float8 primary key, v text); insert into u values (0, 'zero'), (1, 'one');`,
    stream: [
      `update t set k = 1.00 where k = 1; update t set v = 'x' where k = 1`,
      `begin; delete from t where k = 2; insert into t values (2.0, 'again'); commit`,
      `begin; update t set k = 4.0 where k = 3; insert into t values (3.0, 'new'); update t set k = 5 where k = 4; insert into t values (4.00, 'four'); delete from t where k = 3; commit`,
      `update u set k = '-0' where k = 0; update u set v = 'minus' where k = 0`,
      `begin; delete from u where k = 0; insert into u values (0, 'again'); update u set k = '-0' where k = 0; commit`,
    ],
    tables: ['t', 'u'],
  },
  {
    name: 'many changes of one row in one transaction',
    setup: `create table t (id int primary key, v text); insert into t values (1, 'a')`,
    stream: [
      `begin; update t set v = 'b'; delete from t; insert into t values (1, 'c'); update t set id = 2; insert into t values (1, 'd'); delete from t where id = 2; update t set id = 3; insert into t values (2, 'e'), (1, null); delete from t where id = 1; insert into t values (1, ''); commit`,
      `do $$ begin for i in 1..500 loop update t set v = v || i where id = 3; end loop; end $$`,
    ],
    tables: ['t'],
    quick: true,
    ordinary: true,
  },
  {
    name: 'upserts, merges, and what a statement changes by the way',
    setup: `create table t (id int primary key, v text, n int default 0); insert into t values (1, 'a'), (2, 'b'), (3, 'c'); create table log (id int generated always as identity primary key, said text);
      create function said() returns trigger language plpgsql as $f$ begin insert into $S.log (said) values (tg_op || coalesce(new.id, old.id)); return null; end $f$;
      create trigger said after insert or update or delete on t for each row execute function said();`,
    stream: [
      `insert into t values (1, 'x'), (4, 'd') on conflict (id) do update set v = excluded.v, n = t.n + 1`,
      `insert into t values (1, 'y'), (5, 'e') on conflict do nothing`,
      `with gone as (delete from t where id = 2 returning *), more as (insert into t select id + 10, v from gone returning *) update t set n = 9 where id in (select id from more) or id = 3`,
      `update t set v = o.v from t o where o.id = t.id + 1`,
      `delete from t using t o where o.id = 4 and t.id = 5`,
    ],
    tables: ['t', 'log'],
    declares: false,
  },
  {
    name: 'merge',
    setup: `create table t (id int primary key, v text); insert into t values (1, 'a'), (2, 'b'), (3, 'c');`,
    stream: [
      `merge into t using (values (1, 'm'), (2, null), (9, 'n')) s (id, v) on t.id = s.id when matched and s.v is null then delete when matched then update set v = s.v when not matched then insert values (s.id, s.v)`,
    ],
    tables: ['t'],
    since: 15,
  },
  {
    name: 'updates that change nothing, and locks',
    setup: `create table t (id int primary key, v text); insert into t values (1, 'a'), (2, null);`,
    stream: [
      'update t set v = v',
      'update t set id = id',
      'begin; select from t for update; commit',
      'begin; select from t for key share; update t set v = 1; commit',
      'vacuum full t',
      'cluster t using t_pkey',
      'reindex table t',
    ],
    tables: ['t'],
  },
  {
    name: 'tables that are all key, have no columns, or no rows',
    setup: `create table k (a int, b text, primary key (a, b)); insert into k values (1, 'a'), (2, 'b'); create table none (); insert into none default values; create table empty (id int primary key);`,
    stream: [
      `insert into k values (3, 'c'); update k set b = 'd' where a = 1; delete from k where a = 2; update k set a = a`,
      'insert into none default values',
      'insert into none default values',
    ],
    tables: ['k', 'none', 'empty'],
  },
];
