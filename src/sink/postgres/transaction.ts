import type { Batch, Control } from '../../change/batch.ts';
import type { TableSchema } from '../../change/table-schema.ts';
import { TransientError } from '../../errors.ts';
import { failPoint } from '../../failpoint.ts';
import type { Progress, SinkTransaction } from '../sink.ts';
import { compareAside } from './adopt.ts';
import { RowApplier } from './apply.ts';
import type { StoredOwner } from './claim-in-turn.ts';
import { replayDdl } from './ddl-replay/replay.ts';
import type { Executor } from './executor.ts';
import { outcome } from './outcome.ts';
import { commitSql } from './progress.ts';
import { cutSegments } from './segment.ts';
import { syncSequences } from './sequences.ts';
import { PATIENCE_MS, rollBack, type Session } from './session.ts';
import type { ResolvedSinkSettings } from './settings.ts';
import type { Tables } from './tables.ts';
import type { Warn } from './warn.ts';

/** What a transaction works with; it lives longer than the transaction. */
export interface Workplace {
  readonly settings: ResolvedSinkSettings;
  readonly session: Session;
  readonly executor: Executor;
  readonly tables: Tables;
  /** Tells an operator of what is left out. */
  readonly warn: Warn;
  /** Stands with the progress that is stored. */
  readonly owner: StoredOwner | undefined;
  /** No copy was finished before this transaction: what earlier ones left is void. */
  readonly isFirstCopy: boolean;
}

/** One open transaction on the target, its progress row locked. */
export class PostgresSinkTransaction implements SinkTransaction {
  readonly #place: Workplace;
  /** Announced and not yet looked at: a copy that begins may empty tables first, so that they can follow every change. */
  #announced: TableSchema[] = [];
  #state: 'open' | 'committed' | 'failed' = 'open';

  constructor(place: Workplace) {
    this.#place = place;
  }

  async apply(batch: Batch, signal: AbortSignal): Promise<void> {
    await this.#place.session.guarded(signal, () => this.#apply(batch, signal));
    failPoint('sink.chunk-applied');
  }

  async commit(progress: Progress, durable: boolean, signal: AbortSignal): Promise<void> {
    const { session, executor } = this.#place;
    await session.guarded(signal, () => this.#announce(signal));
    signal.throwIfAborted(); // from here on the answer is waited for: it decides what was done
    failPoint('sink.before-commit');
    try {
      await session.guarded(signal, () => this.#commit(progress, durable), PATIENCE_MS);
    } catch (error) {
      this.#state = 'failed';
      throw outcome(error);
    }
    this.#state = 'committed';
    executor.stages.ended();
    failPoint('sink.committed');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === 'committed') return;
    const { session, executor, tables } = this.#place;
    executor.discard();
    executor.stages.transactionRolledBack();
    tables.forget();
    await rollBack(session);
  }

  async #apply(batch: Batch, signal: AbortSignal): Promise<void> {
    const { session, executor, tables } = this.#place;
    const applier = new RowApplier(session, executor, tables);
    await tables.prepare(batch.controls.flatMap((control) => (control.kind === 'table' ? control.table : [])));
    const isAt = (table: TableSchema): boolean => tables.resolved(table) !== undefined;
    for (const segment of cutSegments(batch, isAt)) {
      if ('control' in segment) await this.#control(segment.control, batch.consistent, signal);
      else {
        await this.#announce(signal);
        await applier.apply(batch, segment.rows, signal);
      }
    }
  }

  async #commit(progress: Progress, durable: boolean): Promise<void> {
    const { session, settings, owner } = this.#place;
    const sql = commitSql(settings, progress, owner, durable);
    const sent = (): void => failPoint('sink.commit-sent');
    const results = await session.run(sql, 'Cannot commit on the target', undefined, sent);
    if (results.at(-1)?.command !== 'COMMIT') throw new TransientError('The transaction on the target was rolled back');
  }

  async #control(control: Control, isConsistent: boolean, signal: AbortSignal): Promise<void> {
    const { session, settings, tables, isFirstCopy, warn } = this.#place;
    switch (control.kind) {
      case 'table':
        this.#announced.push(control.table);
        break;
      case 'truncate':
        await this.#announce(signal);
        await tables.truncate(control.tables, control.restartIdentity, signal);
        break;
      case 'snapshot-begin':
        await tables.beginCopy(control.tables, isFirstCopy, signal);
        break;
      case 'snapshot-again': // what was copied of other tables stays
        if (isConsistent && !session.isReplica) await tables.assertUnreferenced(control.tables, signal);
        await tables.beginCopy(control.tables, false, signal);
        break;
      case 'snapshot-end': // rows are in place as they came
        await compareAside(
          { session, settings, warn, nameOf: (schema) => tables.nameOf(schema) },
          control.tables,
          signal,
        );
        break;
      case 'ddl':
        await this.#announce(signal);
        failPoint('sink.ddl-met');
        await replayDdl({ session, settings, tables, warn, ddl: control.ddl, signal });
        failPoint('sink.ddl-replayed');
        break;
      case 'sequences':
        await this.#announce(signal);
        await syncSequences(this.#place, control.sequences, signal);
        break;
      default:
        control satisfies never;
    }
  }

  async #announce(signal: AbortSignal): Promise<void> {
    const announced = this.#announced;
    this.#announced = [];
    for (const schema of announced) await this.#place.tables.announce(schema, signal);
  }
}
