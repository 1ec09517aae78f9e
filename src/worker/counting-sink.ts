import type { Batch } from '../change/batch.ts';
import type { Position } from '../change/position.ts';
import { addCounts, type ChangeCounts, countBatch, noChanges } from '../observe/change-counts.ts';
import { addValue } from '../observe/histogram.ts';
import { addTables, countTables, type TableChanges } from '../observe/table-changes.ts';
import type { Progress, Sink, SinkTransaction } from '../sink/sink.ts';
import type { Work } from './work.ts';

/** What a sink has committed; counted where it is certain, behind the commit. */
export interface SinkCounts {
  readonly changes: ChangeCounts;
  /** Target transactions. */
  commits: number;
  /** What the target shows now. */
  position: Position | undefined;
  consistent: boolean;
  /** Tables that lack rows there, as `Progress.partial`. */
  partial: readonly string[];
}

/** Counts for a sink that has committed nothing. */
export function noCommits(): SinkCounts {
  return { changes: noChanges(), commits: 0, position: undefined, consistent: false, partial: [] };
}

/** The same sink, which adds what it commits to `counts`, and to `work` how large its transactions are and how long they take. */
export function countingSink(sink: Sink, counts: SinkCounts, work?: Work): Sink {
  return {
    async claim(signal) {
      const owned = await sink.claim(signal);
      counts.position = owned.progress?.position;
      counts.consistent = owned.progress?.consistent ?? false;
      counts.partial = owned.progress?.partial ?? [];
      return owned;
    },
    async begin(owned, signal) {
      const tally = new TransactionTally(counts, work);
      return countingTransaction(await sink.begin(owned, signal), tally);
    },
    async commitOne(owned, batch, progress, ...rest) {
      const tally = new TransactionTally(counts, work);
      await sink.commitOne(owned, batch, progress, ...rest);
      if (batch !== undefined) tally.add(batch);
      tally.committed(progress);
    },
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
  };
}

function countingTransaction(transaction: SinkTransaction, tally: TransactionTally): SinkTransaction {
  return {
    async apply(batch, signal) {
      await transaction.apply(batch, signal);
      tally.add(batch);
    },
    async commit(progress, ...rest) {
      await transaction.commit(progress, ...rest);
      tally.committed(progress);
    },
    [Symbol.asyncDispose]: () => transaction[Symbol.asyncDispose](),
  };
}

/** What one transaction of the target applies; it counts when it is committed. */
class TransactionTally {
  readonly #counts: SinkCounts;
  readonly #work: Work | undefined;
  readonly #applied = noChanges();
  readonly #tables: TableChanges = {};
  readonly #began = performance.now();
  #changes = 0;

  constructor(counts: SinkCounts, work: Work | undefined) {
    this.#counts = counts;
    this.#work = work;
  }

  add(batch: Batch): void {
    countBatch(this.#applied, batch);
    this.#changes += batch.length;
    if (this.#work !== undefined) countTables(this.#tables, batch);
  }

  committed({ position, consistent, partial = [] }: Progress): void {
    addCounts(this.#counts.changes, this.#applied);
    this.#counts.commits++;
    this.#counts.position = position;
    this.#counts.consistent = consistent;
    this.#counts.partial = partial;
    const work = this.#work;
    if (work === undefined || this.#changes === 0) return;
    addTables(work.tables, this.#tables);
    addValue(work.batchSeconds, (performance.now() - this.#began) / 1000);
    addValue(work.batchChanges, this.#changes);
    addValue(work.batchBytes, work.queueBytes);
    work.queueBytes = 0;
  }
}
