import type { Session } from './session.ts';
import type { TargetTable } from './target-table.ts';

/**
 * Every staging table costs each commit a truncation, so there are few (a thousand cost 225 ms); sets that are small
 * travel as literals and need none.
 */
const MAX_STAGES = 16;

interface Stage {
  readonly name: string;
  /** It was used in this transaction. */
  isDirty: boolean;
  /** What takes the table back when it is rolled back. */
  madeIn: 'savepoint' | 'transaction' | 'earlier';
}

/** Temporary tables that take a set's rows, typed as the target's columns; emptied by every commit. */
export class Stages {
  readonly #session: Session;
  readonly #stages = new Map<TargetTable, Stage>();
  #created = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  /** An empty staging table for a table's sets. */
  async open(table: TargetTable, signal: AbortSignal): Promise<string> {
    const stage = this.#stages.get(table);
    if (stage === undefined) return await this.#create(table, signal);
    if (stage.isDirty) {
      await this.#session.run(/* sql */ `truncate ${stage.name}`, `Cannot empty ${stage.name}`, signal);
    }
    stage.isDirty = true;
    return stage.name;
  }

  /** A transaction was committed, or the last one was rolled back and everything in the tables with it. */
  ended(): void {
    for (const stage of this.#stages.values()) {
      stage.isDirty = false;
      stage.madeIn = 'earlier';
    }
  }

  savepointReleased(): void {
    for (const stage of this.#stages.values()) if (stage.madeIn === 'savepoint') stage.madeIn = 'transaction';
  }

  savepointRolledBack(): void {
    for (const [table, stage] of this.#stages) if (stage.madeIn === 'savepoint') this.#stages.delete(table);
  }

  transactionRolledBack(): void {
    for (const [table, stage] of this.#stages) if (stage.madeIn !== 'earlier') this.#stages.delete(table);
    this.ended();
  }

  async #create(table: TargetTable, signal: AbortSignal): Promise<string> {
    let sql = '';
    if (this.#stages.size >= MAX_STAGES) {
      const [oldest, stage] = this.#stages.entries().next().value as [TargetTable, Stage];
      sql = /* sql */ `drop table if exists ${stage.name};`;
      this.#stages.delete(oldest);
    }
    const name = `rowcast_stage_${++this.#created}`;
    const columns = table.columns.map((column, c) => `c${c} ${column.type}`);
    columns.push(...table.schema.key.map((ordinal, n) => `o${n} ${table.columns[ordinal]?.type}`));
    sql += /* sql */ `create temporary table ${name} (${columns.join(', ')}) on commit delete rows`;
    await this.#session.run(sql, `Cannot create a staging table for ${table.name}`, signal);
    this.#stages.set(table, { name: `pg_temp.${name}`, isDirty: true, madeIn: 'savepoint' });
    return `pg_temp.${name}`;
  }
}
