import type { Position } from '../change/position.ts';
import { addCounts, type ChangeCounts, countBatch, noChanges } from '../observe/change-counts.ts';
import type { Progress, Sink, SinkTransaction } from '../sink/sink.ts';

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

/** The same sink, which adds what it commits to `counts`. */
export function countingSink(sink: Sink, counts: SinkCounts): Sink {
  return {
    async claim(signal) {
      const owned = await sink.claim(signal);
      counts.position = owned.progress?.position;
      counts.consistent = owned.progress?.consistent ?? false;
      counts.partial = owned.progress?.partial ?? [];
      return owned;
    },
    begin: async (owned, signal) => countingTransaction(await sink.begin(owned, signal), counts),
    async commitOne(owned, batch, progress, ...rest) {
      await sink.commitOne(owned, batch, progress, ...rest);
      const applied = noChanges();
      if (batch !== undefined) countBatch(applied, batch);
      noteCommit(counts, applied, progress);
    },
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
  };
}

function countingTransaction(transaction: SinkTransaction, counts: SinkCounts): SinkTransaction {
  const applied = noChanges();
  return {
    async apply(batch, signal) {
      await transaction.apply(batch, signal);
      countBatch(applied, batch);
    },
    async commit(progress, ...rest) {
      await transaction.commit(progress, ...rest);
      noteCommit(counts, applied, progress);
    },
    [Symbol.asyncDispose]: () => transaction[Symbol.asyncDispose](),
  };
}

function noteCommit(counts: SinkCounts, applied: ChangeCounts, progress: Progress): void {
  addCounts(counts.changes, applied);
  counts.commits++;
  counts.position = progress.position;
  counts.consistent = progress.consistent;
  counts.partial = progress.partial ?? [];
}
