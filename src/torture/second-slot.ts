import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import { connect } from '../postgres/connect.ts';
import { isConnectionLost } from './workload.ts';

const SLOT = 'torture_truth';
/** Seldom: each time the server decodes what it has decoded before, from where its oldest transaction began. */
const READ_EVERY_MS = 60_000;
/** The server forgets only what is advanced over, which is done when it is remembered here. */
const PEEK = /* sql */ `
  with seen as materialized (
    select lsn, data from pg_logical_slot_peek_changes('${SLOT}', null, null, 'include-xids', 'off', 'skip-empty-xacts', 'on'))
  select (select count(*)::int from seen) as read, (select max(lsn)::text from seen) as last,
    array(select data from seen where data like 'table public.ledger: INSERT%' order by lsn) as told`;
const LEDGER = /^table public\.ledger: INSERT: txn_no\[bigint\]:(\d+) changes\[integer\]:(\d+)/;

/** A transaction as the server's own decoder has told it. */
export interface ToldTransaction {
  readonly ledger: number;
  readonly changes: number;
}

/**
 * Reads the source's WAL by a slot of its own and `test_decoding`, which knows nothing of Rowcast: in which order transactions were committed, and how
 * many rows each has changed. They are forgotten by the server only when they are remembered here.
 */
export class SecondSlot implements AsyncDisposable {
  readonly #source: ConnectionSettings;
  readonly #stopping = new AbortController();
  readonly told: ToldTransaction[] = [];
  #reading: Promise<void> | undefined;
  failure: unknown;

  constructor(source: ConnectionSettings) {
    this.#source = source;
  }

  /** Makes the slot. Everything that is committed from here on is told. */
  async begin(): Promise<void> {
    const client = await connect(this.#source, 'torture truth');
    try {
      await client.query(/* sql */ `select pg_create_logical_replication_slot('${SLOT}', 'test_decoding')`);
    } finally {
      await client.end();
    }
    this.#reading = this.#read();
  }

  /** Reads up to the end, with no writer left, and drops the slot. */
  async finish(): Promise<void> {
    this.#stopping.abort();
    await this.#reading;
    const client = await this.#connect();
    try {
      while ((await this.#take(client)) > 0);
      await client.query(/* sql */ `select pg_drop_replication_slot('${SLOT}')`);
    } finally {
      await client.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#reading;
  }

  async #read(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted && this.failure === undefined) {
      let client: pg.Client | undefined;
      try {
        client = await this.#connect();
        for (;;) {
          await sleep(READ_EVERY_MS, undefined, { signal }).catch(() => {}); // stopped: the loop ends
          if (signal.aborted) break;
          await this.#take(client);
        }
      } catch (error) {
        // A slot whose reader the server has not missed yet is busy for a moment.
        if (!isConnectionLost(error) && (error as { code?: string }).code !== '55006') this.failure = error;
        await sleep(200, undefined, { signal }).catch(() => {});
      } finally {
        await client?.end().catch(() => {}); // it was lost
      }
    }
  }

  /**
   * PostgreSQL 18 crashes in test_decoding (18.4: a null pointer in its handler of "stream abort") where it decodes a transaction that was rolled back
   * with its savepoints and is larger than this.
   */
  async #connect(): Promise<pg.Client> {
    const client = await connect(this.#source, 'torture truth');
    await client.query(/* sql */ `set logical_decoding_work_mem = '1GB'`);
    return client;
  }

  /** What it tells again, because the server crashed or the answer was lost, is known by its number. Returns how much was read. */
  async #take(client: pg.Client): Promise<number> {
    const { rows } = await client.query<{ read: number; last: string | null; told: string[] }>(PEEK);
    const { read, last, told } = rows[0] as (typeof rows)[number];
    const known = this.told.at(-1)?.ledger ?? 0;
    for (const each of transactionsOf(told)) if (each.ledger > known) this.told.push(each);
    if (last !== null) await client.query(/* sql */ `select pg_replication_slot_advance('${SLOT}', $1)`, [last]);
    return read;
  }
}

/** The transactions that have a row in the ledger, of what `test_decoding` says. */
export function transactionsOf(lines: readonly string[]): ToldTransaction[] {
  const told: ToldTransaction[] = [];
  for (const line of lines) {
    const match = LEDGER.exec(line);
    if (match !== null) told.push({ ledger: Number(match[1]), changes: Number(match[2]) });
  }
  return told;
}

/**
 * Compares what the server's own decoder has told with what the replica's ledger has, and with the order in which the replica has applied it: every
 * transaction once, in the order of the commits. Returns what differs, in words.
 */
export async function compareTruth(told: readonly ToldTransaction[], replica: ConnectionSettings): Promise<string[]> {
  const client = await connect(replica, 'torture judge');
  try {
    const first = told[0]?.ledger ?? 0;
    const { rows } = await client.query<{ ledger: string; changes: number }>(
      /* sql */ `select txn_no as ledger, changes from public.ledger where txn_no >= $1 order by txn_no`,
      [first],
    );
    const { rows: order } = await client.query<{ ledger: string }>(
      /* sql */ `select txn_no as ledger from torture.audit where relation = 'ledger' and op = 'insert' and streamed and txn_no >= $1 order by id`,
      [first],
    );
    return differences(
      told,
      rows.map(({ ledger, changes }) => ({ ledger: Number(ledger), changes })),
      order.map(({ ledger }) => Number(ledger)),
    );
  } finally {
    await client.end();
  }
}

/** What differs between what was told, what is there, and the order in which it came (as far as it came behind the copy). */
export function differences(
  told: readonly ToldTransaction[],
  there: readonly ToldTransaction[],
  order: readonly number[],
): string[] {
  const found = new Map(there.map((each) => [each.ledger, each.changes]));
  const missing = told.filter(({ ledger }) => !found.has(ledger)).length;
  const changed = told.filter(({ ledger, changes }) => found.has(ledger) && found.get(ledger) !== changes).length;
  const known = new Set(told.map(({ ledger }) => ledger));
  const foreign = there.filter(({ ledger }) => !known.has(ledger)).length;
  const place = new Map(told.map(({ ledger }, i) => [ledger, i]));
  const places = order.flatMap((ledger) => place.get(ledger) ?? []);
  const late = places.filter((each, i) => i > 0 && each !== (places[i - 1] as number) + 1).length;
  return [
    ...(missing > 0 ? [`${missing} transactions that the server's own decoder has told are not on the replica`] : []),
    ...(changed > 0 ? [`${changed} transactions have other changes than the server's own decoder has told`] : []),
    ...(foreign > 0 ? [`${foreign} transactions of the replica were never told by the server's own decoder`] : []),
    ...(late > 0 ? [`${late} transactions were not applied behind the one before them`] : []),
  ];
}
