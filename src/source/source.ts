import type { Batch } from '../change/batch.ts';
import type { CopyRequests, CopySignal } from '../change/copy-request.ts';
import type { CopyProgress, CopyState } from '../change/copy-state.ts';
import type { Position } from '../change/position.ts';
import type { TableName } from '../change/signal.ts';
import type { TableSchema } from '../change/table-schema.ts';
import { TransientError } from '../errors.ts';

/** Which server and history a source reads; a position means nothing on another one (Invariant 6). */
export interface SourceIdentity {
  /** Postgres's system identifier, in decimal. */
  readonly system: string;
  readonly timeline: number;
  /**
   * Which publication chose the changes, by an id that a new one of the same name does not get; empty when there is none. What was
   * written while it was gone is lost (F10; since version 18 Postgres passes over it without an error).
   */
  readonly publication: string;
}

/**
 * One run of one process on behalf of a connector. Of two incarnations of one daemon the newer one has the greater `offset`
 * (the checkpoints topic's end when the process booted), then the greater `id` (random). Stands in claims and in application_name.
 */
export interface Incarnation {
  readonly daemon: string;
  readonly offset: number;
  readonly id: string;
}

/** What an interrupted copy has left cannot be brought to one moment any more: the next start begins the copy anew (R2). */
export class VoidCopyError extends TransientError {}

/** A source connector: knows how to take hold of one stream of changes. */
export interface Source {
  /**
   * Takes the source for `self` (advisory lock, and the slot if there is one, by opening its stream at 0/0), before any
   * position is known (PROTOCOL, source 1). Throws TransientError while somebody else holds it. A holder is ended only if it is an
   * older incarnation of the same daemon, or of any daemon when `takeOver` is true (V3).
   */
  open(self: Incarnation, takeOver: boolean, signal: AbortSignal): Promise<HeldSource>;
}

/** True when `a` is a newer run of the same daemon than `b`. */
export function isNewer(a: Incarnation, b: Incarnation): boolean {
  return a.daemon === b.daemon && (a.offset > b.offset || (a.offset === b.offset && a.id > b.id));
}

/** What a source captures. Stands in claims, so that a later start sees what was not captured before (S2). */
export interface Capture {
  /** The include and exclude lists that are not empty, by the name of their setting, as the connector says them. */
  readonly lists: Readonly<Record<string, readonly string[]>>;
  /** Ids of the tables that were captured when the source was opened; absent where they are too many for a claim. */
  readonly tables?: readonly number[];
}

/** A source that is held by this process until it is disposed of. Nothing is acknowledged before `acknowledge` is called. */
export interface HeldSource extends AsyncDisposable {
  readonly identity: SourceIdentity;
  /** Name of the slot, for the claim; or of what a source without slot keeps on the server in its place. */
  readonly slot: string;
  /** How a person is rid of it, where it is no slot. */
  readonly dropAdvice?: string | undefined;
  readonly capture: Capture;
  /** Where the source would resume by itself (the slot's confirmed_flush); undefined when there is no slot. */
  readonly confirmed: Position | undefined;

  /** Whether the slot exists now; looked up again (another process may have made it since `open`). */
  exists(signal: AbortSignal): Promise<boolean>;

  /**
   * True when the position was reached on this identity's history: same system, a timeline that branched at or after it.
   * Throws OperatorError when the publication is another one.
   */
  descendsFrom(identity: SourceIdentity, position: Position, signal: AbortSignal): Promise<boolean>;

  /**
   * Judges whether what is captured now was captured so far: tables with rows, or columns of such tables, that `before` left out are copied while
   * `read` goes on (their earlier rows were never sent), or OperatorError names them where the source does not copy. `announced` are the tables that the log knows: one
   * of them that `before` left out has missed changes, with rows or without. Asked before `read` goes on where another run ended. What
   * people have added to a publication since is only warned of.
   */
  assertCovered(before: Capture, announced: readonly TableSchema[], signal: AbortSignal): Promise<void>;

  /**
   * Creates the slot anew, dropping the present one, and returns its consistent point, from which `snapshot` and `read` go on.
   * Only for a source that has promised nothing yet, or whose first snapshot was not finished. `beyond` is the position that the log had reached
   * before, if any: a source that numbers its positions itself goes on from it.
   */
  create(signal: AbortSignal, beyond?: Position): Promise<Position>;

  /**
   * Prepares to go on with a copy that another process has left: `state` and `from` are of the last checkpoint. What `snapshot` then copies, and
   * `read` sends from there, is not consistent before the stream has passed every snapshot's point (PROTOCOL, copy). False when the tables
   * are not those of the copy any more: `create` begins anew.
   */
  goOn(state: CopyState, from: Position, signal: AbortSignal): Promise<boolean>;

  /** How far the copy is, while there is one; for people. */
  readonly copying: CopyProgress | undefined;

  /**
   * Copies the captured tables as of the point that `create` returned: batches of `Op.read` rows between snapshot-begin and
   * snapshot-end controls, every batch with that position, `consistent` false but for the last one. After `goOn`, the rest of
   * them, with snapshot-again for what is copied once more, and no batch is consistent.
   */
  snapshot(signal: AbortSignal): AsyncIterable<Batch>;

  /**
   * Yields the changes committed at or after `from`, in commit order, until `signal` aborts. A transaction is dropped if and only if
   * its commit LSN is below `from`. The next batch is asked for when there is room: pulling is the flow control.
   * A batch ends at its byte limit or when nothing more is queued; an empty batch with a position is a keepalive between
   * transactions, already paced by the source (PROTOCOL, source 5). A batch stays valid until the one after the next is pulled, and is stored
   * by then; when the one after an empty batch is pulled, everything is stored.
   */
  read(from: Position, signal: AbortSignal): AsyncIterable<Batch>;

  /** Takes over the copies that the last checkpoint names: `read` goes on with them. Called at most once, before `read`. */
  restore(requests: CopyRequests): void;

  /**
   * Asks for copies while `read` goes on; heard between two transactions. Resolves when the request stands in a checkpoint of the log, so that a
   * restart goes on with it. Throws OperatorError when it cannot be met (a table that is not captured, a condition that is none), TransientError
   * when the source ends or is not reading yet: ask again.
   */
  signal(signal: CopySignal): Promise<void>;

  /**
   * Lets the states of the captured sequences follow in one of the next batches of `read` (the signal `sync-sequences`): they are at or beyond
   * every value that was given out when this was called. Resolves when the log has them; throws TransientError when the source ends first, and leaves
   * them to the next run of this process.
   */
  syncSequences(signal: AbortSignal): Promise<void>;

  /** The tables that are captured now, for signals that name them by expressions. */
  tables(): Promise<readonly TableName[]>;

  /** Everything up to `position` is checkpointed in the log: the source may forget it (Invariants 1 and 3). Never falls. */
  acknowledge(position: Position): Promise<void>;
}
