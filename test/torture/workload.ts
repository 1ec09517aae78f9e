import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { TransientError } from '../../src/errors.ts';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { connect } from '../../src/postgres/connect.ts';
import { Random } from '../simulation/random.ts';
import { installDdl } from '../../src/source/wal/ddl/ddl-log.ts';
import { SHAPE_OF_ALL } from './designer.ts';
import { SOURCE_ROWS, SOURCE_SCHEMA, WRITERS } from './source-schema.ts';
import { Writer } from './writer.ts';

/** Transactions a second of all writers together, unless the source is slower. */
const RATE = 80;
const GIANT_EVERY_MS = 20_000;
const DESIGN_EVERY_MS = 700;
/** SQLSTATE deadlock_detected. */
const DEADLOCK = '40P01';
/** So many transactions that the replica lacks make the writers wait: what is tested is crashes, not the speed of this machine. */
const MOST_BEHIND = 500;

/** Makes the source's tables and their first rows. */
export async function prepareSource(source: ConnectionSettings): Promise<void> {
  const client = await connect(source, 'torture workload');
  try {
    await client.query(/* sql */ `create schema torture; create sequence torture.ids`);
    await client.query(SOURCE_SCHEMA);
    await client.query(SOURCE_ROWS);
    await client.query(/* sql */ `update public.designs set shape = ${SHAPE_OF_ALL}`);
    await installDdl(client, [source.user]);
    await client.query(/* sql */ `analyze`); // so that chunks are of the size that they are meant to be
  } finally {
    await client.end();
  }
}

/** Writers that are busy until they are stopped, whatever happens to their connections. */
export class Workload implements AsyncDisposable {
  readonly #source: ConnectionSettings;
  readonly #replicated: () => number;
  readonly #stopping = new AbortController();
  readonly #writers: Promise<void>[];
  #open = 0;
  #designAt = performance.now();
  #giantAt = performance.now() + GIANT_EVERY_MS / 2;
  /** The greatest ledger number that is known to be committed. */
  committed = 1;
  rolledBack = 0;
  giants = 0;
  /** Transactions with DDL. */
  designs = 0;
  /** Why a writer gave up: a mistake of the harness, or of the source. */
  failure: unknown;

  /** `replicated` says which ledger number the replica has. */
  constructor(source: ConnectionSettings, seed: number, replicated: () => number) {
    this.#source = source;
    this.#replicated = replicated;
    this.#writers = Array.from({ length: WRITERS }, (_, number) => this.#write(number, new Random(seed + number)));
  }

  /** Transactions that are open at this moment. */
  get open(): number {
    return this.#open;
  }

  /** Ends after the transactions in flight. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#writers);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #write(number: number, random: Random): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      let client: pg.Client | undefined;
      try {
        client = await connect(this.#source, `torture writer ${number}`);
        await this.#transactions(client, number, random);
      } catch (error) {
        if (isConnectionLost(error)) await this.#pause(100);
        else {
          this.failure ??= error;
          this.#stopping.abort();
        }
      } finally {
        await client?.end().catch(() => {}); // it was lost
      }
    }
  }

  async #transactions(client: pg.Client, number: number, random: Random): Promise<void> {
    const writer = new Writer(client, number, random);
    while (!this.#stopping.signal.aborted) {
      const startedAt = performance.now();
      if (this.committed - this.#replicated() > MOST_BEHIND) {
        await this.#pause(50);
        continue;
      }
      this.#open++;
      try {
        const isGiant = number === 0 && startedAt >= this.#giantAt;
        // A copy holds its tables as they are, and who waits for it would hold up everybody.
        const designs = number === 1 && this.#replicated() !== Infinity && startedAt >= this.#designAt;
        const committed = isGiant ? await writer.giant() : await transactUnlessStuck(client, writer, designs);
        if (designs) this.#designAt = performance.now() + DESIGN_EVERY_MS;
        if (designs && committed !== undefined) this.designs++;
        if (committed === undefined) this.rolledBack++;
        else this.committed = Math.max(this.committed, committed);
        if (isGiant) this.giants++;
        if (isGiant) this.#giantAt = performance.now() + GIANT_EVERY_MS;
      } finally {
        this.#open--;
      }
      await this.#pause((WRITERS / RATE) * 1000 - (performance.now() - startedAt));
    }
  }

  async #pause(ms: number): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => {}); // stopped: the loops end
  }
}

/** DDL locks whole tables: of writers that wait for each other the server ends one. */
async function transactUnlessStuck(client: pg.Client, writer: Writer, designs: boolean): Promise<number | undefined> {
  try {
    return await writer.transact(designs);
  } catch (error) {
    if ((error as { code?: string }).code !== DEADLOCK) throw error;
    await client.query('rollback');
    return undefined;
  }
}

/** The server was stopped or is starting: pg says so in errors of several kinds. */
export function isConnectionLost(error: unknown): boolean {
  if (error instanceof TransientError) return true;
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: string };
  return (
    code?.startsWith('57P') === true ||
    code?.startsWith('08') === true ||
    (code !== undefined && ['ECONNRESET', 'ECONNREFUSED', 'EPIPE'].includes(code)) ||
    /Connection terminated|not queryable/.test(error.message)
  );
}
