import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { TransientError } from '../errors.ts';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import { connect } from '../postgres/connect.ts';
import { Random } from './random.ts';
import { SHAPE_OF_ALL } from './designer.ts';
import type { CaptureProfile } from './profile.ts';
import { SOURCE_ROWS, SOURCE_SCHEMA, WRITERS } from './source-schema.ts';
import { type Extras, Writer } from './writer.ts';

/** Transactions a second of all writers together, unless the source is slower. */
const RATE = 80;
const GIANT_EVERY_MS = 20_000;
const DESIGN_EVERY_MS = 700;
const DRAFT_EVERY_MS = 900;
/** SQLSTATE deadlock_detected. */
const DEADLOCK = '40P01';
/** So many transactions that the replica lacks make the writers wait: what is tested is crashes, not the speed of this machine. */
const MOST_BEHIND = 500;

/** Makes the source's tables and their first rows. */
export async function prepareSource(source: ConnectionSettings, profile: CaptureProfile): Promise<void> {
  const client = await connect(source, 'torture workload');
  try {
    await client.query(/* sql */ `create schema torture; create sequence torture.ids`);
    await client.query(SOURCE_SCHEMA);
    await client.query(SOURCE_ROWS);
    await profile.prepare(client);
    await client.query(/* sql */ `update public.designs set shape = ${SHAPE_OF_ALL}`);
    await client.query(/* sql */ `analyze`); // so that chunks are of the size that they are meant to be
  } finally {
    await client.end();
  }
}

/** Writers that are busy until they are stopped, whatever happens to their connections. */
export class Workload implements AsyncDisposable {
  readonly #source: ConnectionSettings;
  readonly #profile: CaptureProfile;
  readonly #replicated: () => number;
  readonly #stopping = new AbortController();
  readonly #writers: Promise<void>[];
  #open = 0;
  #designAt = performance.now();
  #draftAt = performance.now();
  #giantAt = performance.now() + GIANT_EVERY_MS / 2;
  /** The greatest ledger number that is known to be committed. */
  committed = 1;
  rolledBack = 0;
  giants = 0;
  /** Transactions with DDL. */
  designs = 0;
  /** Transactions with TRUNCATE. */
  drafts = 0;
  /** Why a writer gave up: a mistake of the harness, or of the source. */
  failure: unknown;

  /** `replicated` says which ledger number the replica has. */
  constructor(source: ConnectionSettings, profile: CaptureProfile, seed: number, replicated: () => number) {
    this.#source = source;
    this.#profile = profile;
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
        const extras = this.#extras(number, startedAt);
        const committed = isGiant ? await writer.giant() : await transactUnlessStuck(client, writer, extras);
        if (extras.designs) this.#designAt = performance.now() + DESIGN_EVERY_MS;
        if (extras.designs && committed !== undefined) this.designs++;
        if (extras.drafts) this.#draftAt = performance.now() + DRAFT_EVERY_MS;
        if (extras.drafts && committed !== undefined) this.drafts++;
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

  /** A copy holds its tables as they are, and who waits for it would hold up everybody. */
  #extras(number: number, now: number): Extras {
    const isCopied = this.#replicated() !== Infinity;
    return {
      designs: this.#profile.replaysDdl && number === 1 && isCopied && now >= this.#designAt,
      drafts: number === 2 && isCopied && now >= this.#draftAt,
    };
  }

  async #pause(ms: number): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => {}); // stopped: the loops end
  }
}

/** DDL and TRUNCATE lock whole tables: of writers that wait for each other the server ends one. */
async function transactUnlessStuck(client: pg.Client, writer: Writer, extras: Extras): Promise<number | undefined> {
  try {
    return await writer.transact(extras);
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
