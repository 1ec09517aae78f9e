import type { SourceClaims } from './source-kit.ts';

/** Rows of `item` at first. */
export const ITEMS = 200;
/** Rows of each table of accounts, and what each has at first. */
export const ACCOUNTS = 100;
export const BALANCE = 100;
/** What all accounts have together, always. */
export const TOTAL: number = 2 * ACCOUNTS * BALANCE;

/** The tables of a check: what a source does with them does not depend on what they are called. */
export function shopSchema({ keyless }: SourceClaims): string {
  return /* sql */ `
    create table item (id int primary key, version int not null, note text, at timestamptz not null default clock_timestamp());
    insert into item select i, 0, repeat('n', 300) from generate_series(1, ${ITEMS}) i;
    create table account_a (id int primary key, balance int not null, note text, at timestamptz not null default clock_timestamp());
    create table account_b (like account_a including all);
    insert into account_a select i, ${BALANCE}, repeat('a', 300) from generate_series(1, ${ACCOUNTS}) i;
    insert into account_b select i, ${BALANCE}, repeat('b', 300) from generate_series(1, ${ACCOUNTS}) i;
    create table scratch (id int primary key, at timestamptz not null default clock_timestamp());
    create table marker (id int primary key, at timestamptz not null default clock_timestamp());
    ${
      keyless
        ? /* sql */ `create table entry (id int not null, amount int not null);
          alter table entry replica identity full;
          insert into entry select i / 2, 1 from generate_series(1, 20) i;`
        : ''
    }`;
}

/** Their names. */
export function shopTables({ keyless }: SourceClaims): readonly string[] {
  return ['item', 'account_a', 'account_b', 'scratch', 'marker', ...(keyless ? ['entry'] : [])];
}
