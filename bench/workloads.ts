import { INSERTED, inTransactions, lastNarrow, NARROW, narrowRow, SENTINEL, TIME, type Workload } from './workload.ts';

export type WorkloadName = 'W1' | 'W2' | 'W3' | 'W1u' | 'W10K';

const W1: Workload = {
  name: 'W1',
  title: 'narrow inserts, 100 rows per transaction',
  table: 'w1',
  rows: 3_000_000,
  create: () => /* sql */ `create table w1 ${NARROW}`,
  procedures: inTransactions('load_w1', 100, /* sql */ `insert into w1 ${INSERTED} from generate_series(low, high) n`),
  load: (rows) => [/* sql */ `call load_w1(${rows})`],
  sentinel: lastNarrow('w1'),
  amounts: (rows) => ({ changes: rows + 1, records: rows + 1 }),
  begun: () => /* sql */ `exists (select from w1)`,
};

/** Every row is there already, on both sides, and is changed as a whole: what a sink can only write over. */
const W1U: Workload = {
  name: 'W1u',
  title: 'narrow updates of rows that are there, 100 rows per transaction',
  table: 'w1u',
  rows: 1_000_000,
  create: (rows) =>
    /* sql */ `create table w1u ${NARROW}; insert into w1u ${INSERTED} from generate_series(1, ${rows}::bigint) n`,
  procedures: inTransactions(
    'load_w1u',
    100,
    /* sql */ `update w1u set a = -a - 1, b = b + 1, t = md5(t) || left(t, 18), ts = ts + interval '1 s' where id between low and high`,
  ),
  load: (rows) => [/* sql */ `call load_w1u(${rows})`],
  sentinel: lastNarrow('w1u'),
  amounts: (rows) => ({ changes: rows + 1, records: rows + 1 }),
  begun: () => /* sql */ `exists (select from w1u where id <= 1000 and a < 0)`,
};

const WRITERS = 4;
/** Rows that each writer of W2 has before. */
const ownRows = (rows: number): number => Math.ceil(rows / 10);

/** Half updates, three in ten inserts, two in ten deletes; each writer has keys of its own, so that the end is always the same. */
const W2: Workload = {
  name: 'W2',
  title: 'single-row transactions: 50 % updates, 30 % inserts, 20 % deletes',
  table: 'w2',
  rows: 500_000,
  create: (rows) => /* sql */ `create table w2 ${NARROW};
    insert into w2 ${narrowRow('0', '(n * 104729 % 1000003)::int')} from generate_series(0, ${WRITERS * ownRows(rows) - 1}::bigint) n`,
  procedures: /* sql */ `create or replace procedure load_w2(writer int, total int, own bigint) language plpgsql as $$
    declare head bigint := own; tail bigint := 0; n bigint;
    begin
      for i in 1..total loop
        case
          when (i - 1) % 10 in (1, 4, 8) then
            n := head * ${WRITERS} + writer;
            head := head + 1;
            insert into w2 ${narrowRow('1', 'i')};
          when (i - 1) % 10 in (3, 7) then
            delete from w2 where id = tail * ${WRITERS} + writer;
            tail := tail + 1;
          else
            n := (tail + i::bigint * 7919 % (head - tail)) * ${WRITERS} + writer;
            update w2 set a = a + 1, b = i, t = left(md5((n + i)::text) || md5(i::text), 50) where id = n;
        end case;
        commit;
      end loop;
    end $$`,
  load: (rows) =>
    Array.from(
      { length: WRITERS },
      (_, i) => /* sql */ `call load_w2(${i}, ${Math.ceil(rows / WRITERS)}, ${ownRows(rows)})`,
    ),
  sentinel: lastNarrow('w2'),
  amounts: (rows) => {
    const each = Math.ceil(rows / WRITERS);
    const deletes = Array.from({ length: each }, (_, i) => i % 10).filter((m) => m === 3 || m === 7).length;
    const changes = each * WRITERS + 1;
    return { changes, records: changes + deletes * WRITERS };
  },
  begun: (rows) =>
    /* sql */ `exists (select from w2 where id between ${ownRows(rows) * WRITERS} and ${ownRows(rows) * WRITERS + 3})`,
};

const WIDE = /* sql */ `select n, (n % 1000)::int, (n * 7919 % 100003)::int, case when n % 7 <> 0 then (n % 77)::int end, (n % 30000)::smallint,
    n * 1000003, -n, (n % 1000000) / 100.0, n * 1.000001, n * 12345678901.0123456789, (n % 1000) / 8.0, n / 3.0,
    m, m || m, case when n % 5 <> 0 then 'text ' || n end, left(m || m || m, 80), repeat(m, 4), 'müñ ' || m,
    z, z + interval '1 day', z at time zone 'UTC', date '2020-01-01' + (n % 3000)::int,
    j, j || '{"x": null}', m::uuid, md5(m)::uuid, n % 2 = 0, case when n % 3 <> 0 then true end, decode(repeat(m, 4), 'hex'), left(m, 6)
  from generate_series(low, high) n
    cross join lateral (select md5(n::text) as m, ${TIME} as z) x
    cross join lateral (select jsonb_build_object('id', n, 'name', m, 'tags', jsonb_build_array(m, n, true, null),
      'nested', jsonb_build_object('a', n / 8.0, 'b', m || m, 'c', repeat(m, 3))) as j) y`;

const W3: Workload = {
  name: 'W3',
  title: 'rows of 30 columns, 1,000 rows per transaction; compressed with lz4',
  table: 'w3',
  rows: 400_000,
  compression: 'lz4',
  create:
    () => /* sql */ `create table w3 (id bigint primary key, i1 int, i2 int, i3 int, i4 smallint, b1 bigint, b2 bigint,
    n1 numeric(12,2), n2 numeric(20,6), n3 numeric(38,10), f1 real, f2 double precision,
    t1 text, t2 text, t3 text, t4 varchar(80), t5 varchar(200), t6 text, ts1 timestamptz, ts2 timestamptz, ts3 timestamp, d1 date,
    j1 jsonb, j2 jsonb, u1 uuid, u2 uuid, bo1 boolean, bo2 boolean, by1 bytea, c1 char(8))`,
  procedures: inTransactions('load_w3', 1_000, /* sql */ `insert into w3 ${WIDE}`),
  load: (rows) => [/* sql */ `call load_w3(${rows})`],
  sentinel: /* sql */ `insert into w3 (id) values (${SENTINEL})`,
  amounts: (rows) => ({ changes: rows + 1, records: rows + 1 }),
  begun: () => /* sql */ `exists (select from w3)`,
};

/** Changes that follow each hundred inserts of W10K: updates of rows of the transaction before. */
const UPDATED = 20;
/** Half up to 1 KB, three in ten 3 KB, two in ten nearly 10 KB: 3.1 KB in the middle. */
const mixedWidth = /* sql */ `(case when n % 10 < 5 then 100 + n * 7919 % 900 when n % 10 < 8 then 3000 else 9900 end)::int`;
const mixedText = (seed: string): string =>
  /* sql */ `(select left(string_agg(md5((${seed} + k * 1000003)::text), ''), w) from generate_series(0, w / 32) k)`;

/** What memory must hold out: most rows small, some large, all over many partitions. */
const W10K: Workload = {
  name: 'W10K',
  title: `rows of 100 B to 10 KB on 100 partitions, 100 inserts and ${UPDATED} updates per transaction`,
  table: 'w10k',
  partitions: 100,
  rows: 100_000,
  create: () => /* sql */ `create table w10k (id bigint primary key, t text not null)`,
  procedures: inTransactions(
    'load_w10k',
    100,
    /* sql */ `insert into w10k select n, ${mixedText('n')} from generate_series(low, high) n, lateral (select ${mixedWidth} as w) x;
      update w10k set t = y.t from (select n, ${mixedText('-n')} as t from generate_series(low - 100, low - 100 + ${UPDATED} - 1) n,
        lateral (select ${mixedWidth} as w) x where n > 0) y where id = n`,
  ),
  load: (rows) => [/* sql */ `call load_w10k(${rows})`],
  sentinel: /* sql */ `insert into w10k values (${SENTINEL}, 'end')`,
  amounts: (rows) => {
    const changes = rows + UPDATED * (Math.ceil(rows / 100) - 1) + 1;
    return { changes, records: changes };
  },
  begun: () => /* sql */ `exists (select from w10k)`,
};

export const WORKLOADS: Readonly<Record<WorkloadName, Workload>> = { W1, W2, W3, W1u: W1U, W10K };
