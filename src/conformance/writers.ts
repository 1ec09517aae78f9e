import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { ScratchDatabase } from './scratch-database.ts';
import { ACCOUNTS, ITEMS } from './shop.ts';
import type { SourceClaims } from './source-kit.ts';

const PACE_MS = 2;
/** Of two sessions one holds transactions open, so that commits are not in the order of beginnings. */
const HOLD_MS = 25;

/** Sessions that write to a shop until they are stopped: transactions over several tables, some late, some rolled back. */
export class Writers {
  readonly #stopping = new AbortController();
  readonly #sessions: Promise<void>[];
  #next: number;
  /** Transactions that were committed. */
  committed = 0;

  /** Their rows have numbers from `firstId` on. */
  constructor(database: ScratchDatabase, claims: SourceClaims, firstId: number, sessions: number) {
    this.#next = firstId;
    this.#sessions = Array.from({ length: sessions }, (_, n) => this.#session(database, claims, n));
    for (const session of this.#sessions) session.catch(() => {}); // `stop` tells
  }

  /** Resolves when no session writes any more; throws what has failed. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#sessions);
  }

  async #session(database: ScratchDatabase, claims: SourceClaims, n: number): Promise<void> {
    const client = await database.connect();
    try {
      for (let turn = n; !this.#stopping.signal.aborted; turn++) {
        await this.#transaction(client, claims, turn, n);
        await sleep(PACE_MS);
      }
    } finally {
      await client.end();
    }
  }

  async #transaction(client: pg.Client, claims: SourceClaims, turn: number, session: number): Promise<void> {
    await client.query(`begin; ${this.#statements(claims, turn, session).join('; ')}`);
    if (session === 1 && turn % 4 === 0) await sleep(HOLD_MS);
    const isKept = turn % 7 !== 0;
    await client.query(isKept ? 'commit' : 'rollback');
    if (isKept) this.committed++;
  }

  /** Tables and rows are always locked in the same order, so that sessions wait for one another in turn. */
  #statements({ operations, keyless }: SourceClaims, turn: number, session: number): string[] {
    const may = (operation: (typeof operations)[number]): boolean => operations.includes(operation);
    const id = ++this.#next;
    const [from, to] = [1 + (turn % ACCOUNTS), 1 + ((turn * 7) % ACCOUNTS)];
    const statements: string[] = [];
    if (may('update')) {
      statements.push(
        `update account_a set balance = balance - 1, at = clock_timestamp() where id = ${from}`,
        `update account_b set balance = balance + 1, at = clock_timestamp() where id = ${to}`,
        `savepoint s; update item set version = version + 1, at = clock_timestamp() where id = ${1 + (turn % ITEMS)}; release s`,
      );
    }
    statements.push(`insert into item values (${id}, 1, repeat('m', 100))`);
    if (may('key change') && turn % 5 === 0)
      statements.push(`update item set id = ${id + 1_000_000_000} where id = ${id}`);
    if (may('delete') && turn % 3 === 0) statements.push(`delete from item where id between ${id - 9} and ${id - 6}`);
    if (keyless) statements.push(`insert into entry values (${turn % 5}, 1), (${turn % 5}, 1)`);
    statements.push(`insert into scratch values (${id})`);
    // One session only: two that have written to a table wait for each other to truncate it.
    if (may('truncate') && session === 0 && turn % 40 === 1) statements.push('truncate scratch');
    return statements;
  }
}
