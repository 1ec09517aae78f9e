import type { Options } from './options.ts';

type Shape = Pick<Options, 'shape' | 'rows'>;

/** The source's table; it is empty before the transaction. */
export const TABLE = 'giant';

/** Creates the table. Wide rows are stored as they are, so that sizes on disk are what they seem. */
export const CREATE = /* sql */ `
  create table public.giant (id bigint primary key, amount numeric(12, 2), at timestamptz, note text)`;

/** The one statement of the transaction; every row is different. */
export function insertSql({ shape, rows }: Shape): string {
  const note = shape === 'narrow' ? 'md5(n::text)' : 'repeat(md5(n::text), 5 * 1024 * 1024 / 32)';
  return /* sql */ `
    insert into public.giant
    select n, (n % 100000) / 7.0, timestamptz '2026-01-01 00:00:00+00' + n * interval '1 second', ${note} from generate_series(1, ${rows}) n`;
}

/** Counts the rows, and sums a hash of every row's text: equal on both sides only when all rows are. */
export const CHECKSUM = /* sql */ `
  select count(*)::text as rows, coalesce(sum(hashtextextended(g::text, 0)::numeric), 0)::text as checksum from public.giant g`;

/** Bytes of one row's text. */
export function rowBytes({ shape }: Shape): number {
  return shape === 'narrow' ? 80 : 5 * 1024 * 1024;
}

/**
 * What all parts need together at most: the source's table and WAL, what its walsender spills, the log, and the replica's table, WAL.
 * Measured for narrow rows: some 1.2 kB each; wide rows are compressed in both tables.
 */
export function diskBytes({ shape, rows }: Shape): number {
  return rows * (shape === 'narrow' ? 1_300 : 2.5 * rowBytes({ shape, rows })) + 2 * 1024 ** 3;
}

/** Bytes for people. */
export function gib(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
