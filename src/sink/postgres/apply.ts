import { type Batch, NULL, Op } from '../../change/batch.ts';
import type { TableSchema } from '../../change/table-schema.ts';
import { OperatorError, RecordError } from '../../errors.ts';
import { sqlState } from '../../postgres/errors.ts';
import { findCulprit, isOfValues, refusedChange } from './culprit.ts';
import { detour } from './detour.ts';
import type { Executor } from './executor.ts';
import { planTable, type TableChanges } from './plan.ts';
import { planTables, worksOf } from './plan-tables.ts';
import type { Rows } from './segment.ts';
import type { Session } from './session.ts';
import type { Step } from './step.ts';
import type { TargetTable } from './target-table.ts';
import { firstUnfit } from './unfit-value.ts';

const UNIQUE_VIOLATION = '23505';
const EXCLUSION_VIOLATION = '23P01';
const NOT_NULL_VIOLATION = '23502';

/** Where rows go. */
export interface Targets {
  resolve(schema: TableSchema, signal: AbortSignal): Promise<TargetTable>;
  /** Drops NOT NULL; false when tables are not to be changed. */
  admitNulls(target: TargetTable, ordinals: readonly number[], signal: AbortSignal): Promise<boolean>;
}

/** Applies rows between two controls; the three ways, each tried when a constraint objected to the one before. */
export class RowApplier {
  readonly #session: Session;
  readonly #executor: Executor;
  readonly #targets: Targets;

  constructor(session: Session, executor: Executor, targets: Targets) {
    this.#session = session;
    this.#executor = executor;
    this.#targets = targets;
  }

  /** Throws ChangeRefused when the values of one change are what the target does not take. */
  async apply(batch: Batch, rows: Rows, signal: AbortSignal): Promise<void> {
    try {
      await this.#apply(batch, rows, signal);
    } catch (error) {
      if (!isOfValues(error)) throw error;
      const culprit = await this.#culprit(error, batch, rows, signal);
      throw culprit === undefined ? error : refusedChange(error, batch, culprit);
    }
  }

  async #apply(batch: Batch, rows: Rows, signal: AbortSignal): Promise<void> {
    const works = await this.#resolve(batch, rows, signal);
    const steps = planTables(works, this.#session.isReplica);
    if (steps !== undefined && (await this.#try(() => this.#run(steps, signal), signal)) === undefined) return;
    const refusal = await this.#try(() => this.#runExactly(batch, rows, works, signal), signal);
    if (refusal === undefined) return;
    if (await this.#admitNulls(refusal, works, signal)) return await this.#apply(batch, rows, signal);
    if (!this.#canDetour(refusal, works)) throw explain(refusal, batch);
    const last = await this.#try(() => this.#runDetours(works, signal), signal);
    if (last !== undefined) throw explain(refusal, batch);
  }

  /** Nobody depends on the answer: what goes wrong while it is looked for leaves the refusal as it is. */
  async #culprit(refusal: Error, batch: Batch, rows: Rows, signal: AbortSignal): Promise<number | undefined> {
    const tryPart = async (part: Rows): Promise<Error | undefined> => {
      const works = await this.#resolve(batch, part, signal);
      const steps = planTables(works, this.#session.isReplica);
      const inSets = steps && (await this.#try(() => this.#run(steps, signal), signal, isOfValues));
      if (steps !== undefined && (inSets === undefined || isOfValues(inSets))) return inSets;
      return await this.#try(() => this.#runExactly(batch, part, works, signal), signal, isOfValues);
    };
    const unfit = firstUnfit(batch, rows.from, rows.to);
    if (unfit !== undefined) return unfit;
    try {
      return await findCulprit(refusal, rows, tryPart);
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }

  async #resolve(batch: Batch, rows: Rows, signal: AbortSignal): Promise<TableChanges[]> {
    const targets = new Map<TableSchema, TargetTable>();
    for (const schema of rows.tables.keys()) targets.set(schema, await this.#targets.resolve(schema, signal));
    return worksOf(batch, rows, targets, this.#session.isReplica);
  }

  /** The version may be ahead of its rows (a column was filled and then made NOT NULL): what the source had, the target has. */
  async #admitNulls(refusal: Error, works: readonly TableChanges[], signal: AbortSignal): Promise<boolean> {
    if (sqlState(refusal) !== NOT_NULL_VIOLATION) return false;
    let isAdmitted = false;
    for (const work of works) {
      const ordinals = contradicted(work);
      if (ordinals.length === 0) continue;
      isAdmitted = (await this.#targets.admitNulls(work.table, ordinals, signal)) || isAdmitted;
    }
    return isAdmitted;
  }

  /** Runs under a savepoint. When a constraint or a value is what is refused all is as before; the error is returned if it is a constraint's, or `isExpected`. */
  async #try(
    run: () => Promise<void>,
    signal: AbortSignal,
    isExpected: (error: Error) => boolean = () => false,
  ): Promise<Error | undefined> {
    this.#executor.add('savepoint rowcast');
    try {
      await run();
      this.#executor.add('release savepoint rowcast');
      await this.#executor.flush(signal);
      this.#executor.stages.savepointReleased();
      return undefined;
    } catch (error) {
      this.#executor.discard();
      const ofConstraint = sqlState(error)?.startsWith('23') === true;
      if (!(error instanceof Error) || (!ofConstraint && !isOfValues(error))) throw error;
      const undo = /* sql */ `rollback to savepoint rowcast; release savepoint rowcast`;
      await this.#session.run(undo, 'Cannot roll back on the target', signal).catch((failed: unknown) => {
        throw ofConstraint ? failed : error; // of a message with bytes that are no text nothing was done: there is no savepoint
      });
      this.#executor.stages.savepointRolledBack();
      if (!ofConstraint && !isExpected(error)) throw error;
      return error;
    }
  }

  async #run(steps: Iterable<Step>, signal: AbortSignal): Promise<void> {
    for (const step of steps) await this.#executor.step(step, signal);
  }

  /** Every change by itself, in the source's order. */
  async #runExactly(batch: Batch, rows: Rows, works: readonly TableChanges[], signal: AbortSignal): Promise<void> {
    const byTable = new Map(
      works.map((work, n): [TableSchema, TableChanges] => [[...rows.tables.keys()][n] as TableSchema, work]),
    );
    for (let i = rows.from; i < rows.to; i++) {
      if (batch.op[i] === Op.control) continue; // one that says nothing
      const work = byTable.get(batch.tables[batch.table[i] as number] as TableSchema) as TableChanges;
      await this.#run(planTable({ ...work, changes: [i] }) ?? [], signal);
    }
  }

  /** Foreign keys that are checked would see the rows leave. */
  #canDetour(refusal: Error, works: readonly TableChanges[]): boolean {
    const state = sqlState(refusal);
    if (state !== UNIQUE_VIOLATION && state !== EXCLUSION_VIOLATION) return false;
    return this.#session.isReplica || !works.some(({ table }) => table.isReferenced);
  }

  async #runDetours(works: readonly TableChanges[], signal: AbortSignal): Promise<void> {
    for (const work of works) {
      if (work.table.schema.key.length === 0) await this.#run(planTable(work) ?? [], signal);
      else await detour(work, this.#executor, signal);
    }
  }
}

/** Columns that are NOT NULL on both sides, outside the key, and yet NULL in a row that comes. */
function contradicted({ table, rows, changes }: TableChanges): number[] {
  const { after } = rows.batch;
  return table.columns
    .filter(({ ordinal, isRequired, isWritten }) => {
      return isRequired && isWritten && !table.schema.columns[ordinal]?.nullable && !table.schema.key.includes(ordinal);
    })
    .map(({ ordinal }) => ordinal)
    .filter((ordinal) => changes.some((i) => after[i] !== -1 && rows.end(after[i] as number, ordinal) === NULL));
}

/** What to do when a constraint of the target stands against the source: nothing was applied, and nothing is left out. */
export const REFUSED =
  'Compare the constraints of the named table on both sides. Drop the one that the source does not have, or correct the rows on the target that are in the way; then start the connector again: it goes on at the same place.';

const CONSTRAINTS: Readonly<Record<string, string>> = {
  '23502': 'a NOT NULL constraint',
  '23503': 'a foreign key',
  '23505': 'a unique constraint',
  '23514': 'a check constraint',
  '23P01': 'an exclusion constraint',
};

/** An unfinished copy holds rows of different moments: what is unique at each of them may be there twice. */
function explain(refusal: Error, batch: Batch): Error {
  const state = sqlState(refusal) as string;
  if (!batch.consistent && state === UNIQUE_VIOLATION) {
    return new OperatorError('A unique constraint of the target refuses rows while they are being copied', {
      cause: refusal,
      advice: 'Drop unique constraints other than the key, and create them again when the copy has finished.',
    });
  }
  const by = CONSTRAINTS[state] ?? 'a constraint';
  return new RecordError(`${refusal.message}: ${by} refuses them`, { cause: refusal.cause, advice: REFUSED });
}
