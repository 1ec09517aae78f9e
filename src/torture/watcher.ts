import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import { connect } from '../postgres/connect.ts';
import { SHAPE_OF_ALL } from './designer.ts';
import { BANK_SUM } from './source-schema.ts';
import { isConnectionLost } from './workload.ts';

/** How far the replica is. */
export interface Standing {
  /** Offset of the last checkpoint that was applied; -1 before the first. */
  readonly checkpoint: number;
  /** The first copy is finished, and everything since is there up to the checkpoint. */
  readonly consistent: boolean;
  /** Greatest number in the ledger. */
  readonly ledger: number;
  /** How often the target was claimed. */
  readonly epoch: number;
}

const LOOK_EVERY_MS = 20;
const JUDGE_EVERY_MS = 250;
const NOTHING: Standing = { checkpoint: -1, consistent: false, ledger: 0, epoch: 0 };

/** Reads the replica all the time, and remembers every state that the source cannot have been in. */
export class Watcher implements AsyncDisposable {
  readonly #replica: ConnectionSettings;
  readonly #stopping = new AbortController();
  readonly #loops: Promise<unknown>;
  /** Readings that began before the replica crashed say nothing about what came back. */
  #life = 0;
  standing: Standing = NOTHING;
  /** What was seen that must not be. */
  readonly torn: string[] = [];
  /** How often a consistent replica was judged. */
  judged = 0;
  failure: unknown;

  constructor(replica: ConnectionSettings) {
    this.#replica = replica;
    this.#loops = Promise.all([
      this.#repeat(LOOK_EVERY_MS, (client) => this.#look(client)),
      this.#repeat(JUDGE_EVERY_MS, (client) => this.#judge(client)),
    ]);
  }

  /** The ledger number that the replica has; while the first copy is made everything counts as replicated. */
  get replicated(): number {
    return this.standing.consistent ? this.standing.ledger : Infinity;
  }

  /** The replica crashed: its last commits may be gone (the sink commits asynchronously), rows and progress together. */
  crashed(): void {
    this.#life++;
    this.standing = NOTHING;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#loops;
  }

  async #repeat(everyMs: number, read: (client: pg.Client) => Promise<void>): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted && this.failure === undefined) {
      let client: pg.Client | undefined;
      try {
        client = await connect(this.#replica, 'torture watcher');
        // The sink's DDL and a reader that waits for it may wait for each other: then it is the reader that gives way.
        await client.query(/* sql */ `set lock_timeout = '200ms'`);
        while (!signal.aborted) {
          await read(client);
          await sleep(everyMs, undefined, { signal }).catch(() => {}); // stopped: the loop ends
        }
      } catch (error) {
        if (!isConnectionLost(error)) this.failure = error;
        await sleep(100, undefined, { signal }).catch(() => {});
      } finally {
        await client?.end().catch(() => {}); // it was lost
      }
    }
  }

  async #look(client: pg.Client): Promise<void> {
    const life = this.#life;
    const row = await readOrNothing<Record<keyof Standing, string>>(client, LOOK);
    if (row === undefined || life !== this.#life) return;
    const now = {
      checkpoint: Number(row.checkpoint),
      consistent: row.consistent === 'true',
      ledger: Number(row.ledger),
      epoch: Number(row.epoch),
    };
    const last = this.standing;
    if (now.checkpoint < last.checkpoint) this.#tear(`progress fell from ${last.checkpoint} to ${now.checkpoint}`);
    if (last.consistent && !now.consistent) this.#tear('a replica that was consistent is not any more');
    if (last.consistent && now.ledger < last.ledger) this.#tear(`the ledger fell from ${last.ledger} to ${now.ledger}`);
    this.standing = now;
  }

  /** What is true of every state that the source was ever in, and of few others. */
  async #judge(client: pg.Client): Promise<void> {
    if (!this.standing.consistent) return;
    const row = await readOrNothing<Record<string, string>>(client, JUDGE);
    if (row === undefined) return;
    this.judged++;
    const at = `at ledger number ${row.last}`;
    if (row.bank !== String(BANK_SUM)) this.#tear(`the bank has ${row.bank} ${at}`);
    if (row.count !== row.last) this.#tear(`the ledger has ${row.count} rows ${at}`);
    if (row.orphans !== '0') this.#tear(`${row.orphans} transfers without account ${at}`);
    if (row.drafts !== 'true') this.#tear(`the drafts are not as many as they say ${at}`);
    if (row.shape !== row.designed) this.#tear(`the tables have other columns than at the source ${at}`);
    if (row.rows !== row.expected) this.#tear(`${row.rows} rows instead of ${row.expected} ${at}`);
  }

  #tear(what: string): void {
    if (this.torn.length < 20) this.torn.push(what);
  }
}

/** One statement sees one moment. */
const LOOK = /* sql */ `
  select coalesce(max(checkpoint_offset), -1)::text as checkpoint, coalesce(bool_or((state ->> 'consistent')::boolean), false)::text as consistent,
    coalesce(max(epoch), 0)::text as epoch, (select coalesce(max(txn_no), 0)::text from public.ledger) as ledger from rowcast.progress`;

const JUDGE = /* sql */ `
  select l.count::text as count, l.last::text as last, l.expected::text as expected,
    ${SHAPE_OF_ALL} as shape, (select shape from public.designs) as designed,
    (select sum(balance) from public.accounts)::text as bank,
    (select count(*) from public.transfers t where not exists (select from public.accounts a where a.id = t.payer)
      or not exists (select from public.accounts a where a.id = t.payee))::text as orphans,
    (select count(*) = coalesce(max(total), 0) and coalesce(min(total) = max(total), true) from public.drafts)::text as drafts,
    ((select count(*) from public.accounts) + (select count(*) from public.transfers) + (select count(*) from public.documents)
      + (select count(*) from public.seats) + (select count(*) from public.events))::text as rows
  from (select count(*) as count, max(txn_no) as last, sum(rows_added) as expected from public.ledger) l`;

/** Undefined while the tables are not there yet, or when the sink's DDL and the reader wait for each other. */
async function readOrNothing<Row extends pg.QueryResultRow>(client: pg.Client, sql: string): Promise<Row | undefined> {
  try {
    return (await client.query<Row>(sql)).rows[0];
  } catch (error) {
    if (['42P01', '40P01', '55P03'].includes((error as { code?: string }).code ?? '')) return undefined;
    throw error;
  }
}
