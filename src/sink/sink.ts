import type { Batch } from '../change/batch.ts';
import type { Position } from '../change/position.ts';
import { type ErrorOptionsWithAdvice, RecordError } from '../errors.ts';

/** Which topics a sink replays, as its connector says it: names, or expressions when there are none; both empty: all. */
export interface TopicFilter {
  readonly topics: readonly string[];
  readonly topicsRegex: readonly string[];
}

/** What a sink stores in the target, in the transaction that applied it (Invariant 5). Field meanings: docs/format.md. */
export interface Progress {
  readonly logId: string;
  readonly clusterId: string;
  /** Claim, number and offset (of the last part) of the last checkpoint that was applied. */
  readonly claim: number;
  readonly number: number;
  readonly checkpointOffset: number;
  readonly position: Position;
  readonly consistent: boolean;
  /** Ids of the topics read so far: a topic that was re-created is seen at once. */
  readonly topicIds: Readonly<Record<string, string>>;
  /** With what it was applied (S1); absent in progress of a Rowcast that did not store it. */
  readonly filter?: TopicFilter;
  /** Tables that lack rows until they are copied (`schema.table`), while all that is there is right; absent: none. */
  readonly partial?: readonly string[];
}

/** A target that this process owns: its epoch is the highest there is, until another one claims. */
export interface Ownership {
  readonly epoch: number;
  /** Undefined when nothing was ever applied. */
  readonly progress: Progress | undefined;
}

/** The target does not take the values of one change, by its number in the batch that was to be applied. */
export class ChangeRefused extends RecordError {
  readonly change: number;

  constructor(message: string, change: number, options: ErrorOptionsWithAdvice = {}) {
    super(message, options);
    this.change = change;
  }
}

/** A sink connector: applies changes to a target and keeps its progress there. */
export interface Sink extends AsyncDisposable {
  /**
   * Raises the epoch under the progress row's lock, then reads progress in the same transaction. Waits for, and after
   * lock_timeout terminates, the backend of an earlier owner that holds the row (PROTOCOL, sink 1).
   */
  claim(signal: AbortSignal): Promise<Ownership>;

  /**
   * Opens the target transaction. Throws TransientError unless the locked progress row shows the ownership's epoch *and*
   * the checkpoint offset it started from (V5: a zombie's transaction ends here).
   */
  begin(owned: Ownership, signal: AbortSignal): Promise<SinkTransaction>;

  /**
   * A whole target transaction of one batch, or of none when only progress moves: what `begin`, `apply` and `commit` do, with what they
   * promise, in as few round trips as the target allows. Nothing of it is there when it throws, unless the outcome is unknown.
   */
  commitOne(
    owned: Ownership,
    batch: Batch | undefined,
    progress: Progress,
    durable: boolean,
    signal: AbortSignal,
  ): Promise<void>;
}

/** One target transaction. Disposing of it without a commit rolls it back. */
export interface SinkTransaction extends AsyncDisposable {
  /**
   * Applies the changes in their order; may be called many times. `batch` may be reused after it has resolved. Throws ChangeRefused where the
   * values of one change are what is refused.
   */
  apply(batch: Batch, signal: AbortSignal): Promise<void>;

  /**
   * Stores progress and commits. When `durable`, this commit and all before it are on disk when it resolves; else a crash of the
   * target may take the last commits back, rows and progress together. An unknown outcome is a TransientError: claim anew and
   * read progress (Invariant 5).
   */
  commit(progress: Progress, durable: boolean, signal: AbortSignal): Promise<void>;
}
