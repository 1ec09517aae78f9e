import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { describeError } from '../../src/errors.ts';
import { qualified } from '../../src/postgres/identifier.ts';
import { lsnToPosition, parseLsn } from '../../src/postgres/lsn.ts';
import { copyIn } from './copy-in.ts';
import type { Plant } from './plant.ts';
import { differs, isSameShape, type Shape, shapes } from './replica-equality.ts';
import type { Scenario, Step } from './scenario.ts';
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
      this.#world.start('source');
      this.#world.start('sink');
      for (const step of this.#scenario.steps) await this.#step(step);
      await this.#finish();
      problem = await this.#judge();
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
    const present = await shapes(replica);
    const late = (await shapes(source)).filter((table) => !isSameShape(table, present));
    for (const table of late) if (!(await this.#touch(table))) this.#untouched.add(qualified(table.schema, table.name));
    if (late.length > 0) await this.#settle();
  }

  /** False when the source refuses every update: the table is published and has no key. */
  async #touch(table: Shape): Promise<boolean> {
    const name = qualified(table.schema, table.name);
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

  async #judge(): Promise<string | undefined> {
    const { source, replica } = this.#world;
    const present = await shapes(replica);
    for (const table of await shapes(source)) {
      const name = qualified(table.schema, table.name);
      const { rows } = await source.query<{ n: number }>(`select count(*)::int as n from ${name}`);
      const count = (rows[0] as { n: number }).n;
      this.#rows += count;
      const other = present.find((each) => each.schema === table.schema && each.name === table.name);
      if (!isSameShape(table, present)) {
        if (count === 0 && (other === undefined || (await isEmpty(replica, name)))) continue;
        if (this.#untouched.has(name) || (await this.#isLeftOut(table))) continue;
        return `table ${name} has other columns on the replica:\n  source  ${JSON.stringify(table.columns)}\n  replica ${JSON.stringify(other?.columns)}`;
      }
      const difference = await differs(source, replica, table);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }

  /** A table that came later and had rows is not captured, and that was said. */
  async #isLeftOut({ schema, name }: Shape): Promise<boolean> {
    return this.#world.replication.warnings.some((warning) => warning.includes(qualified(schema, name)));
  }
}

async function isEmpty(client: pg.Client, name: string): Promise<boolean> {
  return (await client.query(`select from ${name} limit 1`)).rowCount === 0;
}

function told(error: unknown): string {
  const known = describeError(error);
  return error instanceof Error && error.constructor === Error ? `${known}\n${error.stack}` : known;
}
