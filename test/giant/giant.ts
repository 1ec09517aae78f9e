import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { connect } from '../../src/postgres/connect.ts';
import { Daemon } from './daemon.ts';
import { compare, look, targetTransactions } from './judge.ts';
import { PeakMemory } from './memory.ts';
import type { Options } from './options.ts';
import { startServers } from './servers.ts';
import { CREATE, insertSql, rowBytes } from './shape.ts';

export interface GiantOptions extends Omit<Options, 'main'> {
  /** The service's compiled main.js. */
  readonly main: string;
  /** A folder for everything that the run leaves behind. */
  readonly directory: string;
  readonly print: (line: string) => void;
}

const LOOK_EVERY_MS = 50;
/** An empty table has less than this, with the index of its large values. */
const EMPTY_BYTES = 65_536;
/** Nothing is published or applied for this long: something hangs. Decoding a giant takes the source a while. */
const STANDSTILL_MS = 300_000;

/** Runs the test once and tells how it went; true when all held. */
export async function runGiant(options: GiantOptions, signal: AbortSignal): Promise<boolean> {
  const { rows, print, log, memory } = options;
  print(
    `${rows} ${options.shape} rows in one transaction, ${log} log, ${memory} MiB${options.kill ? ', two kills' : ''}`,
  );
  await using servers = await startServers(log === 'kafka');
  const source = await connect(servers.source, 'giant');
  const replica = await connect(servers.replica, 'giant');
  const peak = new PeakMemory(memory * 1024 * 1024);
  const over = new AbortController();
  try {
    await source.query(CREATE);
    await using daemon = await Daemon.make({ ...options, memory: peak }, servers);
    daemon.start(over.signal);
    return await new Scene(options, daemon, source, replica, peak, signal).play(() => daemon.start(over.signal));
  } finally {
    over.abort();
    print(`peak memory of the daemon: ${Math.ceil(peak.bytes / 1024 / 1024)} MiB of ${memory} MiB`);
    await Promise.all([source.end(), replica.end()]);
  }
}

/** What happens to the transaction, and what is seen of it. */
class Scene {
  readonly #options: GiantOptions;
  readonly #daemon: Daemon;
  readonly #source: pg.Client;
  readonly #replica: pg.Client;
  readonly #peak: PeakMemory;
  readonly #signal: AbortSignal;
  #isTorn = false;

  constructor(
    options: GiantOptions,
    daemon: Daemon,
    source: pg.Client,
    replica: pg.Client,
    peak: PeakMemory,
    signal: AbortSignal,
  ) {
    this.#options = options;
    this.#daemon = daemon;
    this.#source = source;
    this.#replica = replica;
    this.#peak = peak;
    this.#signal = signal;
  }

  async play(restart: () => void): Promise<boolean> {
    const { rows, print, kill, rollback } = this.#options;
    await this.#until('the copy of the empty table', async () => (await this.#metric('sink_consistent')) === 1);
    if (rollback) await this.#rollBack();
    const begun = performance.now();
    await this.#source.query(insertSql(this.#options));
    const committed = performance.now();
    print(`committed at the source after ${seconds(committed - begun)}`);
    if (kill) await this.#kill('the source has published', () => this.#metric('source_changes_total'), rows, restart);
    await this.#until('the log', () => this.#isStored());
    const stored = performance.now();
    print(`in the log ${seconds(stored - committed)} after the commit: ${this.#speed(stored - committed)}`);
    if (kill)
      await this.#kill('the replica has stored', () => this.#replicaBytes(), await this.#sourceBytes(), restart);
    await this.#until('the replica', async () => (await this.#look()) === 'all');
    const visible = performance.now();
    print(`visible ${seconds(visible - committed)} after the commit: ${this.#speed(visible - committed)}`);
    return await this.#judge();
  }

  /** What is rolled back is in the WAL all the same, and on the disk of the server that decodes it. */
  async #rollBack(): Promise<void> {
    await this.#source.query('begin');
    await this.#source.query(insertSql(this.#options));
    await this.#source.query('rollback');
    this.#options.print('rolled back at the source');
  }

  async #judge(): Promise<boolean> {
    const { rows, print } = this.#options;
    const difference = await compare(this.#source, this.#replica);
    const transactions = await targetTransactions(this.#replica);
    print(difference === undefined ? `replica equals source: ${rows} rows` : `DIFFERENT: ${difference}`);
    print(`target transactions: ${transactions}${this.#isTorn ? '; TORN: a part was seen' : ''}`);
    if (this.#peak.isExceeded) print('MEMORY: beyond the limit');
    return difference === undefined && transactions === 1 && !this.#isTorn && !this.#peak.isExceeded;
  }

  /** Kills the daemon when `done` is half of `whole`. */
  async #kill(
    what: string,
    done: () => Promise<number | undefined>,
    whole: number,
    restart: () => void,
  ): Promise<void> {
    let now = 0;
    await this.#until(what, async () => (now = (await done()) ?? 0) >= whole / 2);
    await this.#daemon.kill();
    this.#options.print(`killed when ${what} ${Math.round((now / whole) * 100)} %`);
    if ((await this.#look()) !== 'none') throw new Error('The kill came too late: the transaction is visible');
    restart();
  }

  /** Waits for `isDone`, and looks at the replica meanwhile. */
  async #until(what: string, isDone: () => Promise<boolean>): Promise<void> {
    let [seen, movedAt] = ['', performance.now()];
    while (!(await isDone())) {
      this.#signal.throwIfAborted();
      this.#daemon.assertAlive();
      const now = `${await this.#metric('source_changes_total')} ${await this.#replicaBytes()}`;
      if (now !== seen) [seen, movedAt] = [now, performance.now()];
      if (performance.now() - movedAt > STANDSTILL_MS) throw new Error(`Waited in vain for ${what}: nothing moves`);
      await sleep(LOOK_EVERY_MS, undefined, { signal: this.#signal });
    }
  }

  /** A daemon that was killed late has counted little, but its sink begins only when all is in the log. */
  async #isStored(): Promise<boolean> {
    const published = (await this.#metric('source_changes_total')) ?? 0;
    return published >= this.#options.rows || (await this.#replicaBytes()) > EMPTY_BYTES;
  }

  async #look(): Promise<'none' | 'all'> {
    const sight = await look(this.#replica, this.#options.rows);
    if (sight !== 'torn') return sight;
    this.#isTorn = true;
    return 'none';
  }

  #metric(name: string): Promise<number | undefined> {
    return this.#daemon.metric(`rowcast_${name}`);
  }

  #replicaBytes(): Promise<number> {
    return tableBytes(this.#replica);
  }

  #sourceBytes(): Promise<number> {
    return tableBytes(this.#source);
  }

  #speed(ms: number): string {
    const { rows } = this.#options;
    const mib = (rows * rowBytes(this.#options)) / 1024 / 1024;
    return `${Math.round((rows / ms) * 1000)} rows/s, ${Math.round((mib / ms) * 1000)} MiB/s`;
  }
}

/** What a table and its large values take on disk; 0 when there is none. */
async function tableBytes(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string | null }>(
    /* sql */ `select pg_table_size(to_regclass('public.giant')) as bytes`,
  );
  return Number(rows[0]?.bytes ?? 0);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
