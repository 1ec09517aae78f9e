import type { Batch } from '../../change/batch.ts';
import { ByteWriter } from '../../change/byte-writer.ts';
import type { TableSchema } from '../../change/table-schema.ts';
import { TransientError } from '../../errors.ts';
import { failPoint } from '../../failpoint.ts';
import { sqlState } from '../../postgres/errors.ts';
import type { Ownership, Progress } from '../sink.ts';
import type { StoredOwner } from './claim-in-turn.ts';
import { outcome } from './outcome.ts';
import { planTables, worksOf } from './plan-tables.ts';
import { storeProgressSql } from './progress.ts';
import { cutSegments, type Rows } from './segment.ts';
import { PATIENCE_MS, rollBack, type Session } from './session.ts';
import type { ResolvedSinkSettings } from './settings.ts';
import { writeSql } from './sql-text.ts';
import { type Step, writeCheckedStep } from './step.ts';
import type { Tables } from './tables.ts';
import type { TargetTable } from './target-table.ts';

/** More travels as COPY, and is worth its round trips. */
const MAX_CHANGES = 200;
const MAX_BYTES = 128 * 1024;

/**
 * Small target transactions as one message, and so one round trip: the progress row, under the condition that it is what the
 * owner left (V5), the changes, and COMMIT. Every statement fails by itself when it does not do what is expected (Invariant 5, B13):
 * the server then passes over the rest, COMMIT included.
 */
export class AtOnce {
  readonly #session: Session;
  readonly #settings: ResolvedSinkSettings;
  readonly #tables: Tables;
  readonly #out: ByteWriter = new ByteWriter(16 * 1024);

  constructor(session: Session, settings: ResolvedSinkSettings, tables: Tables) {
    this.#session = session;
    this.#settings = settings;
    this.#tables = tables;
  }

  /**
   * False when nothing was done: the batch needs more than that, or the server refused. A transaction that goes step by step then does it, or
   * says what is wrong. Errors are those of `SinkTransaction.commit`.
   */
  async commit(
    owned: Ownership,
    batch: Batch | undefined,
    { progress, owner }: { readonly progress: Progress; readonly owner: StoredOwner | undefined },
    durable: boolean,
    signal: AbortSignal,
  ): Promise<boolean> {
    const steps = batch === undefined ? [] : this.#plan(batch);
    if (steps === undefined) return false;
    this.#write(storeProgressSql(this.#settings, owned, progress, owner), steps, durable);
    signal.throwIfAborted(); // from here on the answer is waited for: it decides what was done
    try {
      await this.#session.guarded(signal, () => this.#send(), PATIENCE_MS);
    } catch (error) {
      await rollBack(this.#session);
      if (sqlState(error) === undefined || error instanceof TransientError) throw outcome(error);
      return false;
    }
    failPoint('sink.committed');
    return true;
  }

  /** The steps of a small batch of rows whose targets are known. */
  #plan(batch: Batch): Step[] | undefined {
    if (batch.length > MAX_CHANGES || batch.byteLength > MAX_BYTES || batch.controls.length > 0) return undefined;
    const steps: Step[] = [];
    for (const segment of cutSegments(batch)) {
      const planned = 'rows' in segment ? this.#planRows(batch, segment.rows) : undefined;
      if (planned === undefined) return undefined;
      steps.push(...planned);
    }
    return steps;
  }

  #planRows(batch: Batch, rows: Rows): Step[] | undefined {
    const targets = new Map<TableSchema, TargetTable>();
    for (const schema of rows.tables.keys()) {
      const target = this.#tables.resolved(schema);
      if (target === undefined) return undefined;
      targets.set(schema, target);
    }
    const { isReplica } = this.#session;
    return planTables(worksOf(batch, rows, targets, isReplica), isReplica);
  }

  #write(storeProgress: string, steps: readonly Step[], durable: boolean): void {
    const out = this.#out;
    out.length = 0;
    const defer = this.#session.isReplica ? '' : 'set constraints all deferred; ';
    const mode = durable ? 'set local synchronous_commit = on; ' : '';
    writeSql(out, /* sql */ `begin; ${defer}${mode}${storeProgress}; `);
    for (const step of steps) writeCheckedStep(out, step);
    writeSql(out, /* sql */ ' commit');
  }

  async #send(): Promise<void> {
    const sent = (): void => failPoint('sink.commit-sent');
    const results = await this.#session.run(this.#out, 'Cannot commit on the target', undefined, sent);
    if (results.at(-1)?.command !== 'COMMIT') throw new TransientError('The transaction on the target was rolled back');
  }
}
