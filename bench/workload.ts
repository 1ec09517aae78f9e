/** Every load ends with a row of this key, committed last: who has it has everything. */
export const SENTINEL = 9_999_999_999;

/** What a load does, so that a run can be checked. */
export interface Amounts {
  /** Changes of rows, the last one included. */
  readonly changes: number;
  /** Records on a topic: a delete is followed by a tombstone. */
  readonly records: number;
}

/** Tables, what they have before anything is measured, and the transactions that make the backlog. */
export interface Workload {
  readonly name: string;
  readonly title: string;
  /** Gets the last row. */
  readonly table: string;
  /** All tables, when there are several. */
  readonly tables?: readonly string[];
  /** Of the topics; by default what a call asks for. */
  readonly partitions?: number;
  /** How Rowcast's records are compressed; not at all when absent. Debezium's always are, with lz4. */
  readonly compression?: 'lz4';
  /** Rows changed by default. */
  readonly rows: number;
  /** Makes the tables with what they have at first; the same on every server. */
  create(rows: number): string;
  /** Procedures that `load` calls. */
  readonly procedures: string;
  /** One call per connection, at the same time. */
  load(rows: number): readonly string[];
  readonly sentinel: string;
  amounts(rows: number): Amounts;
  /** True on a replica as soon as the first changes are there. */
  begun(rows: number): string;
  /** True on a replica as soon as every table has rows, of which each has so many by then; absent: there is one table. */
  readonly met?: { readonly condition: string; readonly rows: number };
}

/** What databases, slots and topics of a workload are called: `W1u` is `w1u`, and `tables 100` is `tables_100`. */
export function slugOf({ name }: Pick<Workload, 'name'>): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_');
}

/** Columns of a narrow row. */
export const NARROW = /* sql */ `(id bigint primary key, a int not null, b int not null, t text not null, ts timestamptz not null)`;
const TEXT = /* sql */ `left(md5(n::text) || md5((n + 1)::text), 50)`;
export const TIME = /* sql */ `timestamptz '2026-01-01 00:00:00Z' + n * interval '1.000001 s'`;
/** Narrow rows of the numbers `n`. */
export const narrowRow = (a: string, b: string): string => /* sql */ `select n, ${a}, ${b}, ${TEXT}, ${TIME}`;
export const INSERTED: string = narrowRow('(n * 7919 % 100003)::int', '(n * 104729 % 1000003)::int');
export const lastNarrow = (table: string): string =>
  /* sql */ `insert into ${table} values (${SENTINEL}, 0, 0, 'end', '2026-01-01 00:00:00Z')`;

/** Commits `body`, which sees `low` and `high`, for each `per` numbers up to `total`. */
export function inTransactions(name: string, per: number, body: string): string {
  return /* sql */ `create or replace procedure ${name}(total bigint) language plpgsql as $$
    declare low bigint := 1; high bigint;
    begin
      while low <= total loop
        high := least(low + ${per} - 1, total);
        ${body};
        commit;
        low := high + 1;
      end loop;
    end $$`;
}
