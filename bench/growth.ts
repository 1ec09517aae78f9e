import { INSERTED, inTransactions, lastNarrow, NARROW, SENTINEL, type Workload } from './workload.ts';
import { WORKLOADS } from './workloads.ts';

/** Along what the cost could grow. */
export const AXES = ['tables', 'partitions', 'width', 'backlog'] as const;
export type Axis = (typeof AXES)[number];

/** A point on an axis: a number of tables or partitions, bytes of a row, or millions of rows. */
export interface Point {
  readonly axis: Axis;
  readonly value: number;
}

/** A workload at its point. */
export interface GrowthWorkload extends Workload {
  readonly growth: Point;
}

/** What an axis is measured at, when a call does not say. */
export const VALUES: Readonly<Record<Axis, readonly number[]>> = {
  tables: [1, 10, 100, 1_000],
  partitions: [1, 4, 16],
  width: [50, 500, 5_000, 50_000, 1_000_000],
  backlog: [1, 10],
};

const WORKLOAD_OF: Readonly<Record<Axis, (value: number) => Workload>> = {
  tables: ofTables,
  partitions: ofPartitions,
  width: ofWidth,
  backlog: ofBacklog,
};

/** The workload of a point; all that differs between those of an axis is what the axis is about. */
export function growthWorkload(growth: Point): GrowthWorkload {
  return { ...WORKLOAD_OF[growth.axis](growth.value), name: `${growth.axis} ${growth.value}`, growth };
}

/** Enough that what a table costs when it is first seen is shared by many rows. */
const TABLE_ROWS = 3_000_000;
const PARTITION_ROWS = 300_000;
/** Tables that a transaction writes to, and rows that each of them gets. */
const TABLES_EACH = 10;
const ROWS_EACH = 10;

/** Each transaction writes ten rows into each of the next ten tables, or a hundred into the only one. */
function ofTables(count: number): Workload {
  const tables = Array.from({ length: count }, (_, i) => `t${i}`);
  const each = /* sql */ `for i in 0..${TABLES_EACH - 1} loop
      execute 'insert into t' || (low / ${ROWS_EACH} + i) % ${count} || $q$ ${INSERTED} from generate_series($1, $2) n$q$
        using low + i * ${ROWS_EACH}, least(low + (i + 1) * ${ROWS_EACH} - 1, high);
    end loop`;
  return {
    name: 'tables',
    title: `narrow inserts into ${count} tables, ten rows for each of ten per transaction`,
    table: 't0',
    tables,
    rows: TABLE_ROWS,
    create: () => tables.map((table) => /* sql */ `create table ${table} ${NARROW}`).join('; '),
    procedures: inTransactions('load_tables', TABLES_EACH * ROWS_EACH, each),
    load: (rows) => [/* sql */ `call load_tables(${rows})`],
    sentinel: lastNarrow('t0'),
    amounts: inserts,
    begun: () => /* sql */ `exists (select from t0)`,
    // The tables come one after the other, so that the last one is the last.
    met: { condition: /* sql */ `exists (select from t${count - 1})`, rows: ROWS_EACH },
  };
}

function ofPartitions(partitions: number): Workload {
  return {
    ...WORKLOADS.W1,
    title: `narrow inserts, topic of ${partitions} partitions`,
    partitions,
    rows: PARTITION_ROWS,
  };
}

const BYTES_PER_TRANSACTION = 1_000_000;
/** Rows of 500 bytes that are as many bytes as those of every other width. */
const ROWS_OF_500 = 250_000;

/** The same bytes, in rows of `width` each. */
function ofWidth(width: number): Workload {
  const per = Math.min(1_000, Math.max(1, Math.floor(BYTES_PER_TRANSACTION / width)));
  const scaled = (rows: number): number => Math.max(1, Math.round((rows * 500) / width));
  const letters = Math.max(1, width - 10); // the key has the rest
  const text = /* sql */ `(select left(string_agg(md5((n + k * 1000003::bigint)::text), ''), ${letters}) from generate_series(0, ${letters} / 32) k)`;
  return {
    name: 'width',
    title: `inserts of rows of ${width} bytes, up to 1 MB per transaction`,
    table: 'wide',
    rows: ROWS_OF_500,
    create: () => /* sql */ `create table wide (id bigint primary key, t text not null)`,
    procedures: inTransactions(
      'load_wide',
      per,
      /* sql */ `insert into wide select 1000000000 + n, ${text} from generate_series(low, high) n`,
    ),
    load: (rows) => [/* sql */ `call load_wide(${scaled(rows)})`],
    sentinel: /* sql */ `insert into wide values (${SENTINEL}, 'end')`,
    amounts: (rows) => inserts(scaled(rows)),
    begun: () => /* sql */ `exists (select from wide)`,
  };
}

/** So many times a million narrow rows; `rows` of a call stand for the million. */
function ofBacklog(millions: number): Workload {
  return {
    ...WORKLOADS.W1,
    title: `a backlog of ${millions} million narrow inserts`,
    rows: 1_000_000,
    load: (rows) => WORKLOADS.W1.load(rows * millions),
    amounts: (rows) => WORKLOADS.W1.amounts(rows * millions),
  };
}

function inserts(rows: number): { changes: number; records: number } {
  return { changes: rows + 1, records: rows + 1 };
}
