import type pg from 'pg';
import { CHECKSUM } from './shape.ts';

/** Which of the first, middle and last row one look at the replica saw: all of them or none, or the transaction is torn. */
export type Sight = 'none' | 'all' | 'torn';

/** Looks by key, so that a look costs the same however much is there. */
export async function look(replica: pg.Client, rows: number): Promise<Sight> {
  const { rows: seen } = await replica.query(/* sql */ `select id from public.giant where id in (1, $1, $2)`, [
    Math.ceil(rows / 2),
    rows,
  ]);
  if (seen.length === 0) return 'none';
  return seen.length === new Set([1, Math.ceil(rows / 2), rows]).size ? 'all' : 'torn';
}

/** Compares both sides by count and checksum; what differs, in words. */
export async function compare(source: pg.Client, replica: pg.Client): Promise<string | undefined> {
  const [here, there] = await Promise.all([checksum(source), checksum(replica)]);
  if (here.rows !== there.rows) return `the source has ${here.rows} rows, the replica ${there.rows}`;
  return here.checksum === there.checksum ? undefined : 'the checksums of both sides differ';
}

/**
 * How many target transactions wrote the replica's rows. The sink applies parts under savepoints, whose rows carry xids of their own; what
 * they share is the moment at which Postgres committed their transaction.
 */
export async function targetTransactions(replica: pg.Client): Promise<number> {
  const { rows } = await replica.query<{ count: string }>(/* sql */ `
    select count(distinct pg_xact_commit_timestamp(x)) as count from (select xmin as x from public.giant group by xmin) t`);
  return Number(rows[0]?.count);
}

interface Checksum {
  readonly rows: string;
  readonly checksum: string;
}

async function checksum(client: pg.Client): Promise<Checksum> {
  const { rows } = await client.query<Checksum>(CHECKSUM);
  return rows[0] as Checksum;
}
