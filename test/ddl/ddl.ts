import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { connect } from '../../src/postgres/connect.ts';
import { sqlState } from '../../src/postgres/errors.ts';
import { lsnToPosition, parseLsn } from '../../src/postgres/lsn.ts';
import { differs, shapes } from '../fuzz/replica-equality.ts';
import { catalogOf } from './catalog.ts';
import type { Options } from './options.ts';
import { Daemon, startServers } from './servers.ts';
import { SETUP, SHORT, type Step, STEPS } from './statements.ts';
import { Writers } from './writer.ts';

export interface DdlRunOptions extends Omit<Options, 'main' | 'plant' | 'keep'> {
  /** The service's compiled main.js. */
  readonly main: string;
  /** A folder for everything that the run leaves behind. */
  readonly directory: string;
  readonly print: (line: string) => void;
}

const LOOK_EVERY_MS = 50;
/** Transactions of the writers between two statements. */
const WRITES_BETWEEN = 4;
/** The replica stands still for this long: something hangs. */
const STANDSTILL_MS = 120_000;
const MAX_ATTEMPTS = 20;
/** A deadlock, or a row that a writer has taken away or put there. */
const IN_THE_WAY = /^(?:40|23)/;
/** Of all differences of the catalogs, for people. */
const SHOWN = 40;

/** Runs the statements once and tells how it went; true when all were replayed and both sides are equal. */
export async function runDdl(options: DdlRunOptions, signal: AbortSignal): Promise<boolean> {
  const { print, log, writers, short } = options;
  const steps = short ? STEPS.slice(0, SHORT) : STEPS;
  print(`${steps.length} DDL statements, ${writers} sessions write meanwhile, ${log} log`);
  await using servers = await startServers(log === 'kafka');
  const source = await connect(servers.source, 'ddl');
  const replica = await connect(servers.replica, 'ddl');
  try {
    await source.query(`set search_path = public`);
    await source.query(SETUP);
    await using daemon = await Daemon.make(options.main, join(options.directory), servers);
    daemon.service.start();
    const scene = new Scene(options, steps, daemon, source, signal);
    await scene.settled();
    const load = Writers.start(servers.source, writers);
    try {
      await scene.play(load);
    } finally {
      await load.stop();
    }
    print(`${load.committed} transactions of the writers were committed meanwhile, ${load.refused} were refused`);
    await scene.settled();
    scene.tick();
    return await judge(source, replica, steps.length, print);
  } finally {
    await Promise.all([source.end(), replica.end()]);
  }
}

/** The statements, and how far the replica is with them. */
class Scene {
  readonly #options: DdlRunOptions;
  readonly #steps: readonly Step[];
  readonly #daemon: Daemon;
  readonly #source: pg.Client;
  readonly #signal: AbortSignal;
  /** Where the log of the source stood behind each statement that was run. */
  readonly #done: string[] = [];
  #shown = 0;
  #position = '';
  #movedAt = performance.now();

  constructor(options: DdlRunOptions, steps: readonly Step[], daemon: Daemon, source: pg.Client, signal: AbortSignal) {
    this.#options = options;
    this.#steps = steps;
    this.#daemon = daemon;
    this.#source = source;
    this.#signal = signal;
  }

  async play(load: Writers): Promise<void> {
    const { kills } = this.#options;
    const killAfter = new Set(
      Array.from({ length: kills }, (_, n) => Math.floor(((n + 1) * this.#steps.length) / (kills + 1))),
    );
    for (const [i, step] of this.#steps.entries()) {
      await this.#run(step);
      this.#done.push(await this.#now());
      if (killAfter.has(i)) await this.#kill();
      const wanted = load.committed + WRITES_BETWEEN;
      do await this.#look();
      while (load.committed < wanted);
    }
  }

  /** Waits until the replica shows all that is committed by now. */
  async settled(): Promise<void> {
    const goal = await this.#now();
    while (this.#position < goal) await this.#look();
  }

  /** Prints the statements that the replica has passed. */
  tick(): void {
    for (
      let goal = this.#done[this.#shown];
      goal !== undefined && goal <= this.#position;
      goal = this.#done[this.#shown]
    ) {
      this.#options.print(`✓ ${String(++this.#shown).padStart(2)}  ${this.#steps[this.#shown - 1]?.label}`);
    }
  }

  /** A writer may hold what the statement wants next: then it is tried again, as an application would. */
  async #run({ sql }: Step): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#source.query(sql);
        return;
      } catch (error) {
        await this.#source.query('rollback');
        if (!IN_THE_WAY.test(sqlState(error) ?? '') || attempt === MAX_ATTEMPTS)
          throw new Error(`${sql}: ${String(error)}`);
      }
    }
  }

  async #kill(): Promise<void> {
    const { running } = this.#daemon.service;
    running?.kill('SIGKILL');
    await running?.exited;
    this.#options.print('killed');
    this.#daemon.service.start();
  }

  async #look(): Promise<void> {
    this.#signal.throwIfAborted();
    this.#daemon.assertAlive();
    const position = (await this.#daemon.position()) ?? this.#position;
    if (position !== this.#position) [this.#position, this.#movedAt] = [position, performance.now()];
    if (performance.now() - this.#movedAt > STANDSTILL_MS) {
      throw new Error(`The replica stands still before: ${this.#steps[this.#shown]?.label}`);
    }
    this.tick();
    await sleep(LOOK_EVERY_MS, undefined, { signal: this.#signal });
  }

  async #now(): Promise<string> {
    const { rows } = await this.#source.query<{ lsn: string }>(/* sql */ `select pg_current_wal_lsn()::text as lsn`);
    return lsnToPosition(parseLsn(rows[0]?.lsn ?? ''));
  }
}

async function judge(
  source: pg.Client,
  replica: pg.Client,
  count: number,
  print: (line: string) => void,
): Promise<boolean> {
  await source.query(`set search_path = ''`);
  const [there, here] = [await catalogOf(source), await catalogOf(replica)];
  const differences = [
    ...there.filter((line) => !here.includes(line)).map((line) => `only at the source: ${line}`),
    ...here.filter((line) => !there.includes(line)).map((line) => `only on the replica: ${line}`),
  ];
  const tables = await shapes(source);
  let rows = 0;
  for (const table of tables) {
    const isThere = here.some((line) => line.startsWith(`table ${nameOf(table)} `));
    const difference = isThere ? await differs(source, replica, table) : undefined;
    if (difference !== undefined) differences.push(difference);
    const { rows: counted } = await source.query<{ n: number }>(`select count(*)::int as n from only ${nameOf(table)}`);
    rows += counted[0]?.n ?? 0;
  }
  for (const difference of differences.slice(0, SHOWN)) print(`✗ ${difference}`);
  const isEqual = differences.length === 0;
  print(
    isEqual
      ? `${count} of ${count} DDL statements replayed, replica equals source: ${tables.length} tables, ${rows} rows`
      : `FAILED: ${differences.length} differences between source and replica`,
  );
  return isEqual;
}

/** As `regclass` prints it under an empty search_path. */
function nameOf({ schema, name }: { readonly schema: string; readonly name: string }): string {
  const quoted = (word: string): string => (/^[a-z_][a-z0-9_]*$/.test(word) ? word : `"${word.replaceAll('"', '""')}"`);
  return `${quoted(schema)}.${quoted(name)}`;
}
