import { ByteWriter } from '../../change/byte-writer.ts';
import { OperatorError } from '../../errors.ts';
import { sqlState } from '../../postgres/errors.ts';
import { writeCopyRows } from './copy-text.ts';
import { byteSize } from './row-set.ts';
import type { Session } from './session.ts';
import { writeSql } from './sql-text.ts';
import { Stages } from './stages.ts';
import { copySql, hasNoCells, isSingle, stagedSql, type Step, writeLiteralStep } from './step.ts';
import { writeCopyData } from './wire.ts';

/** Sets up to this size share messages with others: many statements in one round trip. */
const SMALL_ROWS = 200;
const SMALL_BYTES = 128 * 1024;
/** New rows up to this number travel as literals; above it COPY costs the server less. */
const LITERAL_ROWS = 4;
/** Statements are sent when they fill this much, or are this many: the server parses a whole message at once. */
const MESSAGE_BYTES = 512 * 1024;
const MESSAGE_STATEMENTS = 500;
/** No table has more columns; one that has as many (its key twice) has no staging table. */
const MAX_COLUMNS = 1600;
/** How many values a statement has that stands in for a staging table: the server needs some hundred bytes for each. */
const PIECE_CELLS = 100_000;

/** Runs steps on a session: small ones gathered into few round trips, large ones by COPY. */
export class Executor {
  readonly #session: Session;
  readonly stages: Stages;
  readonly #out: ByteWriter = new ByteWriter(16 * 1024);
  /** What the gathered COPYs read. */
  readonly #copied: ByteWriter = new ByteWriter(16 * 1024);
  /** The steps behind the gathered statements; undefined for other statements. */
  #gathered: (Step | undefined)[] = [];
  /** Tables where a copy met rows that were there: COPY without ON CONFLICT is not tried again. */
  readonly #collided = new Set<number>();

  constructor(session: Session) {
    this.#session = session;
    this.stages = new Stages(session);
  }

  /** Runs or gathers a step; throws OperatorError when a count proves that the target is not what the source had. */
  async step(step: Step, signal: AbortSignal): Promise<void> {
    const isSmall = step.set.rows.length <= SMALL_ROWS && byteSize(step.set, SMALL_BYTES) <= SMALL_BYTES;
    if (isSmall || isSingle(step) || hasNoCells(step)) {
      if (step.kind === 'insert' && step.set.rows.length > LITERAL_ROWS && !hasNoCells(step)) this.#gatherCopy(step);
      else writeLiteralStep(this.#out, step);
      this.#gathered.push(step);
      const bytes = this.#out.length + this.#copied.length;
      if (bytes >= MESSAGE_BYTES || this.#gathered.length >= MESSAGE_STATEMENTS) await this.flush(signal);
      return;
    }
    await this.flush(signal);
    if (step.kind === 'insert') check(step, await this.#copy(copySql(step), step, signal));
    else if (step.kind !== 'upsert' || !(await this.#copyNew(step, signal))) await this.#staged(step, signal);
  }

  /** Gathers a statement whose result does not matter; it holds no value. */
  add(sql: string): void {
    writeSql(this.#out, `${sql};`);
    this.#gathered.push(undefined);
  }

  /** Sends what was gathered. */
  async flush(signal: AbortSignal): Promise<void> {
    const steps = this.#gathered;
    if (steps.length === 0) return;
    const doing = (done: number): string => {
      const failed = steps[done]; // statements are answered one by one
      return `Cannot apply changes to ${describe(failed ? [failed] : steps)} on the target`;
    };
    try {
      const results = await this.#session.run(this.#out, doing, signal, undefined, this.#copied);
      for (const [n, step] of steps.entries()) if (step) check(step, results[n]?.count ?? 0);
    } finally {
      this.discard();
    }
  }

  /** Forgets what was gathered and not sent. */
  discard(): void {
    this.#gathered = [];
    this.#out.length = 0;
    this.#copied.length = 0;
  }

  #gatherCopy(step: Step): void {
    writeSql(this.#out, `${copySql(step)};`);
    writeCopyData(this.#copied, (out) => writeCopyRows(out, step.set, 0, Number.POSITIVE_INFINITY));
  }

  async #copy(sql: string, step: Step, signal: AbortSignal): Promise<number> {
    let next = 0;
    const fill = (out: ByteWriter, limit: number): boolean => {
      next = writeCopyRows(out, step.set, next, limit);
      return next < step.set.rows.length;
    };
    return await this.#session.copy(sql, fill, `Cannot copy rows to ${step.table.name} on the target`, signal);
  }

  /** A first copy rarely meets rows that are there: they are tried as plain inserts, which cost half. */
  async #copyNew(step: Step, signal: AbortSignal): Promise<boolean> {
    const { table } = step;
    if (this.#collided.has(table.oid)) return false;
    const doing = `Cannot copy rows to ${table.name} on the target`;
    await this.#session.run(/* sql */ `savepoint rowcast_copy`, doing, signal);
    try {
      await this.#copy(copySql(step), step, signal);
      await this.#session.run(/* sql */ `release rowcast_copy`, doing, signal);
      return true;
    } catch (error) {
      if (sqlState(error) !== '23505') throw error;
      this.#collided.add(table.oid);
      await this.#session.run(/* sql */ `rollback to rowcast_copy; release rowcast_copy`, doing, signal);
      return false;
    }
  }

  /** Rows too wide for a staging table, as literals. */
  async #inPieces(step: Step, signal: AbortSignal): Promise<void> {
    const { rows, columns } = step.set;
    const size = Math.max(1, Math.floor(PIECE_CELLS / columns.length));
    for (let from = 0; from < rows.length; from += size) {
      const piece = rows.slice(from, from + size);
      const expected = step.expected === undefined ? undefined : piece.length;
      const part = { ...step, set: { ...step.set, rows: piece }, expected };
      writeLiteralStep(this.#out, part);
      this.#gathered.push(part);
      await this.flush(signal);
    }
  }

  async #staged(step: Step, signal: AbortSignal): Promise<void> {
    const { columns: all, schema } = step.table;
    if (all.length + schema.key.length > MAX_COLUMNS) return await this.#inPieces(step, signal);
    const stage = await this.stages.open(step.table, signal);
    const columns = step.set.columns.map((column) => column.alias).join(', ');
    await this.#copy(/* sql */ `copy ${stage} (${columns}) from stdin`, step, signal);
    const doing = `Cannot apply changes to ${step.table.name} on the target`;
    const results = await this.#session.run(stagedSql(step, stage), doing, signal);
    check(step, results[0]?.count ?? 0);
  }
}

const VERBS: Readonly<Record<Step['kind'], string>> = {
  insert: 'inserted',
  upsert: 'wrote',
  update: 'updated',
  rekey: 'gave a new key',
  delete: 'deleted',
  detach: 'changed',
  'delete-one': 'deleted',
  'update-one': 'updated',
};

/** Divergence is never hidden: a row that the source changed must have been there (PROTOCOL, B13). */
function check(step: Step, count: number): void {
  if (step.expected === undefined || count === step.expected) return;
  throw new OperatorError(
    `Table ${step.table.name} on the target differs: of ${step.expected} rows that the source ${VERBS[step.kind]}, ${count} were affected`,
    {
      advice:
        'Somebody else writes to the replica, or a trigger does: stop them. Then empty the replica and copy again (rowcast offsets reset).',
    },
  );
}

function describe(steps: readonly (Step | undefined)[]): string {
  const names = new Set(steps.flatMap((step) => (step ? [step.table.name] : [])));
  return names.size > 3 ? `${names.size} tables` : [...names].join(', ') || 'the target';
}
