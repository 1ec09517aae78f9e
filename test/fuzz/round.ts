import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { describeError } from '../../src/errors.ts';
import { qualified } from '../../src/postgres/identifier.ts';
import { lsnToPosition, parseLsn } from '../../src/postgres/lsn.ts';
import { copyIn } from './copy-in.ts';
import type { Plant } from './plant.ts';
import { judge } from './judge.ts';
import { aloneOf, isSameShape, type Shape, shapes } from './replica-equality.ts';
import type { Scenario, Step } from './scenario.ts';
import { installDdl } from '../../src/source/wal/ddl/ddl-log.ts';
import { World } from './world.ts';

/** How a round ended. */
export interface Outcome {
  /** Statements that the source took, and those that it refused. */
  readonly statements: number;
  readonly refused: number;
  readonly rows: number;
  /** What went wrong, for people; undefined when the replica is equal. */
  readonly problem: string | undefined;
}

export interface RoundOptions {
  readonly server: ConnectionSettings;
  readonly plant?: Plant | undefined;
  /** How long the replica may take to come to where the source is. */
  readonly patienceMs: number;
}

/** Runs a round on databases of its own. Never throws for what the product does wrong. */
export async function runRound(scenario: Scenario, options: RoundOptions): Promise<Outcome> {
  await using world = await World.open(options.server, scenario, options.plant);
  const round = new Round(world, scenario, options);
  return await round.run();
}

/** The product's fault, told apart from a mistake of the fuzzer. */
class Problem extends Error {}

const PULSE = 'public."fuzz pulse"';

class Round {
  readonly #world: World;
  readonly #scenario: Scenario;
  readonly #options: RoundOptions;
  /** Tables that changed and of which no row can come since. */
  readonly #untouched = new Set<string>();
  #statements = 0;
  #refused = 0;
  #rows = 0;

  constructor(world: World, scenario: Scenario, options: RoundOptions) {
    this.#world = world;
    this.#scenario = scenario;
    this.#options = options;
  }

  async run(): Promise<Outcome> {
    let problem: string | undefined;
    try {
      await this.#prepare();
      if (!this.#scenario.setting.isLate) {
        this.#world.start('source');
        this.#world.start('sink');
      }
      if (this.#scenario.setting.ddl) await this.#settle(); // all of it is to be followed
      for (const step of this.#scenario.steps) await this.#step(step);
      await this.#finish();
      const verdict = await judge(this.#world, this.#scenario.setting, this.#untouched);
      this.#rows = verdict.rows;
      problem = verdict.problem;
    } catch (error) {
      const fault = this.#world.failure ?? error;
      if (fault === error && !(error instanceof Problem)) throw error;
      problem = fault instanceof Problem ? fault.message : told(fault);
    }
    return { statements: this.#statements, refused: this.#refused, rows: this.#rows, problem };
  }

  async #prepare(): Promise<void> {
    const { setting, tables, rows } = this.#scenario;
    const { source, replica, role } = this.#world;
    for (const client of [source, replica]) await client.query('set search_path = public');
    if (!setting.isPrivileged) await replica.query(`set role ${role}`).catch(() => undefined);
    for (const sql of tables) {
      const isTaken = await this.#try(source, sql);
      if (isTaken && setting.target === 'same') await this.#try(replica, sql);
    }
    await replica.query('reset role; reset search_path');
    await source.query(`create table ${PULSE} (n bigint primary key)`);
    await source.query('reset search_path');
    if (setting.publication === 'leaves') await publishLeaves(source);
    if (setting.ddl) await installDdl(source, [(await source.query('select current_user as name')).rows[0].name]);
    for (const step of rows) await this.#step(step);
    this.#statements = 0;
    this.#refused = 0;
  }

  async #step(step: Step): Promise<void> {
    switch (step.kind) {
      case 'settle':
        return await this.#settle();
      case 'start':
        return this.#world.start(step.task);
      case 'restart':
        await this.#world.stop(step.task);
        return this.#world.start(step.task);
      case 'stop':
        return await this.#world.stop(step.task);
      case 'sql':
      case 'copy':
        return await this.#write(step);
      default:
        return step satisfies never;
    }
  }

  async #write(step: Step & { readonly kind: 'sql' | 'copy' }): Promise<void> {
    const client = this.#world.sessions[step.session] as pg.Client;
    const isTaken = await (step.kind === 'copy'
      ? this.#attempt(() => copyIn(client, step.sql, step.data))
      : step.guarded
        ? this.#guarded(client, step.sql)
        : this.#try(client, step.sql));
    if (isTaken) this.#statements++;
    else this.#refused++;
  }

  async #guarded(client: pg.Client, sql: string): Promise<boolean> {
    if (/^(savepoint|release|rollback|commit|prepare)/.test(sql)) return await this.#try(client, sql);
    if (!(await this.#try(client, 'savepoint guard'))) return await this.#try(client, sql);
    const isTaken = await this.#try(client, sql);
    await client.query(isTaken ? 'release guard' : 'rollback to guard; release guard');
    return isTaken;
  }

  async #try(client: pg.Client, sql: string): Promise<boolean> {
    return await this.#attempt(() => client.query(sql));
  }

  async #attempt(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (error instanceof Error && 'code' in error) return false;
      throw error;
    }
  }

  /** Ends what is open, and lets every table that was changed have a row behind the change. */
  async #finish(): Promise<void> {
    const { sessions, source, replica } = this.#world;
    for (const session of sessions) await session.query('rollback');
    const { rows } = await source.query<{ gid: string }>(
      'select gid from pg_prepared_xacts where database = current_database()',
    );
    for (const { gid } of rows) await source.query(`rollback prepared '${gid}'`);
    this.#world.start('source');
    this.#world.start('sink');
    await this.#settle();
    if (this.#scenario.setting.ddl) return; // what became of tables is told without any row
    const leaves = this.#scenario.setting.publication === 'leaves';
    const present = await shapes(replica, leaves);
    const late = (await shapes(source, leaves)).filter((table) => !isSameShape(table, present));
    for (const table of late) if (!(await this.#touch(table))) this.#untouched.add(qualified(table.schema, table.name));
    if (late.length > 0) await this.#settle();
  }

  /** False when the source refuses every update: the table is published and has no key. */
  async #touch(table: Shape): Promise<boolean> {
    const name = aloneOf(table);
    for (const column of Object.keys(table.columns)) {
      const quoted = `"${column.replaceAll('"', '""')}"`;
      const sql = `update ${name} set ${quoted} = ${quoted} where (tableoid, ctid) = (select tableoid, ctid from ${name} limit 1)`;
      if (await this.#try(this.#world.source, sql)) return true;
    }
    return false;
  }

  /** A row of our own ends it: what has no changes is told of by keepalives, which take their time. */
  async #settle(): Promise<void> {
    const { source, replication } = this.#world;
    await source.query(`insert into ${PULSE} select count(*) from ${PULSE}`);
    const { rows } = await source.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
    const goal = lsnToPosition(parseLsn((rows[0] as { lsn: string }).lsn));
    this.#world.start('source');
    this.#world.start('sink');
    for (const deadline = Date.now() + this.#options.patienceMs; ; await sleep(5)) {
      if (this.#world.failure !== undefined) throw new Problem(told(this.#world.failure));
      const { applied } = replication.sinkProgress;
      if ((applied?.position ?? '') >= goal && applied?.consistent === true) return;
      if (Date.now() > deadline)
        throw new Problem(`The replica stands still: ${told(replication.lastRetry ?? 'nobody said why')}`);
    }
  }
}

/** Partitions under their own names, which the connector never makes itself. */
async function publishLeaves(source: pg.Client): Promise<void> {
  await source.query(/* sql */ `do $$ begin execute format('create publication %I for all tables with (publish_via_partition_root = false%s)',
    'pub_' || current_database(), case when current_setting('server_version_num')::int >= 180000 then ', publish_generated_columns = stored' else '' end); end $$`);
}

function told(error: unknown): string {
  const known = describeError(error);
  return error instanceof Error && error.constructor === Error ? `${known}\n${error.stack}` : known;
}
