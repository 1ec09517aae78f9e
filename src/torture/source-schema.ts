import { DESIGN_SCHEMA } from './designer.ts';

/** Connections that write at the same time; every row but the ledger's belongs to one of them, by its number modulo this. */
export const WRITERS = 4;

/** The tables that are always there. */
export const TABLES: readonly string[] = [
  'accounts',
  'transfers',
  'documents',
  'seats',
  'events',
  'ledger',
  'designs',
  'drafts',
];

/** What `sum(accounts.balance)` always is. */
export const BANK_SUM = 2_000_000;

/**
 * Foreign keys (accounts, transfers), values stored aside that updates leave out (documents), keys that change (seats), duplicates
 * without a key (events), rows that all go at once and say themselves how many there are (drafts), and the ledger: every transaction writes one row with its gap-free number, the number of row changes
 * it made, and how many rows it added to the tables before.
 */
export const SOURCE_SCHEMA: string = /* sql */ `
  create table public.accounts (id integer primary key, owner text not null, balance bigint not null);
  create table public.transfers (
    id bigint primary key,
    payer integer not null references public.accounts,
    payee integer not null references public.accounts,
    amount bigint not null,
    made_at timestamptz not null default clock_timestamp());
  create table public.documents (id bigint primary key, title text not null, revision integer not null, body text not null, seal bytea);
  alter table public.documents alter column body set storage external;
  create table public.seats (zone text not null, place bigint not null, holder uuid, price numeric(8,2) not null, primary key (zone, place));
  create table public.events (writer integer not null, kind text not null, amount numeric(12,3), detail jsonb, at date);
  alter table public.events replica identity full;
  create table public.ledger (txn_no bigint primary key, changes integer not null, rows_added integer not null);
  create table public.drafts (id bigint primary key, total integer not null);
  ${DESIGN_SCHEMA}`;

/** What is there before the first snapshot: ten megabytes, so that the copy takes long enough to be killed. It is ledger number 1. */
export const SOURCE_ROWS: string = /* sql */ `
  begin;
  insert into public.accounts select i, 'Owner ' || i, ${BANK_SUM / 2000} from generate_series(0, 1999) i;
  insert into public.transfers (id, payer, payee, amount)
    select i, i % ${WRITERS}, ${WRITERS} + i % ${WRITERS}, 0 from generate_series(0, 3999) i;
  insert into public.documents
    select i, 'Document ' || i, 0, (select string_agg(md5(i::text || n), '') from generate_series(1, 128) n), decode(md5(i::text), 'hex')
    from generate_series(0, 1999) i;
  insert into public.seats
    select (array['stalls', 'circle', 'gallery'])[1 + i % 3], i, null, 10 + i % 90 from generate_series(0, 1999) i;
  insert into public.events
    select i % ${WRITERS}, 'kind ' || i % 7, case when i % 5 > 0 then i % 50 end, case when i % 3 = 0 then '{"a": [1, null]}'::jsonb end, date '2026-01-01' + i % 9
    from generate_series(0, 2999) i;
  insert into public.ledger values (1, 13001, 13000);
  commit;`;
