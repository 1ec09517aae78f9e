import type { Position } from '../../src/change/position.ts';
import type { RecordReader } from '../../src/log/record-reader.ts';
import type { Progress, TopicFilter } from '../../src/sink/sink.ts';
import { type Asked, LedgerChecker } from './ledger-checker.ts';
import { lsnOf, type ModelSnapshot, type ModelTransaction, positionOf } from './world/database.ts';
import { type ModelChange, NAMES } from './world/rows.ts';

/** One history of the source: what it committed, in order. */
export interface Truth {
  readonly transactions: readonly ModelTransaction[];
  readonly snapshots: readonly ModelSnapshot[];
}

/** How far a target is: nothing, inside a copy, or behind some of the source's transactions. Never changed in place. */
export interface Applied {
  /** The history that it follows; undefined while that may be any. */
  readonly truth: Truth | undefined;
  /** The tables of which it has everything. */
  readonly accepted: readonly string[];
  /** Which of the source's snapshots the copy is of; -1: none yet. */
  readonly snapshot: number;
  /** How far in the changes of the snapshot (its begin included) it is. */
  readonly copied: number;
  /** Transactions of the source that are behind it; undefined while the copy is not whole. */
  readonly transactions: number | undefined;
  readonly position: Position | undefined;
  /** Whether the position was called consistent. */
  readonly isConsistent: boolean;
}

export const NOTHING_APPLIED: Applied = {
  truth: undefined,
  accepted: NAMES,
  snapshot: -1,
  copied: 0,
  transactions: undefined,
  position: undefined,
  isConsistent: false,
};

const BEGIN = 'snapshot-begin ';

/**
 * Knows the truth and compares: what a target commits must be the source's next operations, in order, once, up to a commit; what a source
 * acknowledges must stand in the log. A server that lost a part of its history goes another way from there: a log, and so a target, follows one of them.
 */
export class Checker {
  /** The latest first. */
  #truths: readonly Truth[];
  readonly #violation: (what: string) => void;
  /** What operators have asked for. */
  readonly asked: Asked = { daemons: new Set(), resets: 0 };
  /** What the checkpoints topic says. */
  ledger: LedgerChecker;
  /** Sinks that were told at some time that they own the target, by the numbers of their processes. */
  readonly #sinks = new Set<number>();
  /** How often one of them was told that it was replaced. */
  refusals = 0;

  constructor(truth: Truth, violation: (what: string) => void) {
    this.#truths = [truth];
    this.#violation = violation;
    this.ledger = new LedgerChecker(this.asked, violation);
  }

  /** From now on the source may go on with this history. */
  fork(truth: Truth): void {
    this.#truths = [truth, ...this.#truths];
  }

  /** The checkpoints topic has lost records: it says what these say. */
  reread(left: Iterable<RecordReader>): void {
    const before = this.ledger;
    this.ledger = before.after(left);
  }

  /** A sink was told that it owns the target. */
  claimed(sink: number): void {
    this.#sinks.add(sink);
  }

  /**
   * Sink `by`, whose claim began in step `begun`, takes the target from `from`, which has had it since a step, and lives. Only a start may, or one that could
   * not have seen `from` there (V8).
   */
  targetTaken(by: number, begun: number, from: number, since: number): void {
    if (by === from || !this.#sinks.has(by) || since >= begun) return;
    this.#violation(`sink ${by} was replaced by sink ${from}, and took the target back though that one lives`);
  }

  /** A sink was told that `owner` has replaced it. */
  refused(sink: number, owner: number | undefined): void {
    this.refusals++;
    if (!this.#sinks.has(sink)) this.#violation(`sink ${sink} was refused the target by its start`);
    if (owner === sink) this.#violation(`sink ${sink} waits for itself`);
  }

  /** A target commits `changes` on top of `applied`; returns what it has then. */
  committed(applied: Applied, changes: readonly string[], progress: Progress): Applied {
    const { position } = progress;
    if (applied.position !== undefined && position < applied.position) {
      this.#violation(`progress falls from ${applied.position} to ${position}`);
    }
    const begin = changes.findLastIndex((each) => each.startsWith(BEGIN));
    const mayBeginAnew = this.ledger.anewAt.size > 0 && !applied.isConsistent;
    if (begin >= 0 && applied.transactions !== undefined && !mayBeginAnew)
      this.#violation('the source was copied a second time');
    const wanted = acceptedBy(progress.filter);
    const accepted = begin >= 0 ? copiedBy(changes[begin] as string, [wanted, applied.accepted]) : undefined;
    let wrong: string | undefined;
    for (const truth of this.#truthsOf(applied, begin >= 0)) {
      const from = {
        ...applied,
        truth,
        accepted: accepted ?? applied.accepted.filter((name) => wanted.includes(name)),
      };
      const after = begin >= 0 ? copyAgain(from, changes.slice(begin), position) : walk(from, changes, position);
      const found = typeof after === 'string' ? after : this.#judged(after, progress, mayBeginAnew, applied.position);
      if (typeof found !== 'string') return found;
      wrong ??= found;
    }
    this.#violation(wrong ?? 'there is no history');
    return applied;
  }

  /** The histories that a target may follow: the one that it is in, and those that part from it no earlier than behind what it has. */
  #truthsOf({ truth, transactions }: Applied, isAnew: boolean): readonly Truth[] {
    if (truth === undefined || isAnew || transactions === undefined) return this.#truths;
    const last = truth.transactions[transactions - 1];
    return [truth, ...this.#truths.filter((each) => each !== truth && each.transactions[transactions - 1] === last)];
  }

  /** What a target has then, or what is wrong with what it says of it. */
  #judged(
    after: Applied,
    { position, consistent }: Progress,
    mayBeginAnew: boolean,
    before: Position | undefined,
  ): Applied | string {
    const { anewAt, resets } = this.ledger;
    const point = after.truth?.snapshots[after.snapshot]?.point ?? 0;
    const isBegunAnew = mayBeginAnew && anewAt.has(position) && position !== before && point < lsnOf(position);
    const isReset = after.transactions !== undefined && !consistent && (resets > 0 || isBegunAnew);
    const wrong = isReset ? undefined : this.#misplaced(after, position, consistent);
    // What is there after a reset is void: only a copy may follow.
    return wrong ?? { ...(isReset ? NOTHING_APPLIED : after), position, isConsistent: consistent };
  }

  /** What is wrong with the position; undefined when it lies behind what was applied and not behind more. */
  #misplaced({ truth, snapshot, transactions }: Applied, position: Position, consistent: boolean): string | undefined {
    const lsn = lsnOf(position);
    const { snapshots, transactions: all } = truth as Truth;
    if (consistent ? transactions === undefined : transactions !== undefined && !this.ledger.hasLevel)
      return consistent ? 'a half copied target is called consistent' : 'a whole copy is not called consistent';
    if (transactions === undefined) {
      const begun = snapshots[snapshot]?.point ?? 0;
      const isPoint = snapshot < 0 || snapshots.some(({ point }) => point === lsn && point >= begun);
      return isPoint ? undefined : `a copy has position ${position}`;
    }
    const last = Math.max(all[transactions - 1]?.endLsn ?? 0, snapshots[snapshot]?.point ?? 0);
    if (lsn < last) return `progress ${lsn} lies below what was applied, ${last}`;
    const next = all[transactions]?.commitLsn;
    return next !== undefined && lsn > next
      ? `progress ${lsn} lies beyond a transaction not applied, ${next}`
      : undefined;
  }
}

/** The tables that a filter takes in; all of them where there is none. */
function acceptedBy(filter: TopicFilter | undefined): readonly string[] {
  const topics = filter?.topics ?? [];
  return NAMES.filter((name) => topics.length === 0 || topics.some((topic) => topic.endsWith(`.${name}`)));
}

/** The tables of a copy, by what begins it: those that the sink may have wanted. */
function copiedBy(begin: string, candidates: readonly (readonly string[])[]): readonly string[] {
  return candidates.find((names) => begin === BEGIN + names.join(',')) ?? [];
}

/** The newest snapshot whose copy these changes begin, and after which the position is right. */
function copyAgain(from: Applied, changes: readonly string[], position: Position): Applied | string {
  const { snapshots } = from.truth as Truth;
  let found: Applied | string = 'there is no snapshot';
  for (let snapshot = snapshots.length - 1; snapshot >= 0; snapshot--) {
    const { truth, accepted } = from;
    const after = walk({ ...NOTHING_APPLIED, truth, accepted, snapshot }, changes, position);
    if (typeof after !== 'string' && positionOf((snapshots[snapshot] as ModelSnapshot).point) <= position) return after;
    if (typeof found === 'string') found = after;
  }
  return found;
}

/** Walks the source's changes and the target's side by side; text says where they part. */
function walk(applied: Applied, changes: readonly string[], position: Position): Applied | string {
  const { accepted } = applied;
  const { snapshots, transactions: all } = applied.truth as Truth;
  let { copied, transactions } = applied;
  let at = 0;
  if (transactions === undefined && changes.length > 0) {
    const snapshot = snapshots[applied.snapshot];
    if (snapshot === undefined) return `applied ${changes[0]} before any snapshot`;
    const names = accepted.join(',');
    const reads = snapshot.reads.map(({ table, shown }) => (accepted.includes(NAMES[table] as string) ? shown : ''));
    const expected = [BEGIN + names, ...reads, `snapshot-end ${names}`];
    for (; at < changes.length && copied < expected.length; copied++) {
      if (expected[copied] === '') continue;
      if (changes[at] !== expected[copied])
        return `applied ${changes[at]} where the copy goes on with ${expected[copied]}`;
      at++;
    }
    if (copied < expected.length) return { ...applied, copied };
    transactions = all.findIndex(({ commitLsn }) => commitLsn >= snapshot.point);
    if (transactions < 0) transactions = all.length;
  }
  if (transactions === undefined) return applied;
  while (at < changes.length) {
    const transaction = all[transactions];
    if (transaction === undefined) return `applied ${changes[at]} that the source never committed`;
    for (const shown of shownTo(accepted, transaction.changes)) {
      if (at === changes.length) return `committed half of transaction ${transaction.xid}`;
      if (changes[at] !== shown) return `applied ${changes[at]} where transaction ${transaction.xid} has ${shown}`;
      at++;
    }
    transactions++;
  }
  while (isUnseen(accepted, all[transactions], position)) transactions++;
  return { ...applied, copied, transactions };
}

/** What of these changes a sink gets that wants some tables only. */
function shownTo(accepted: readonly string[], changes: readonly ModelChange[]): string[] {
  const wanted = changes.filter(({ table }) => table < 0 || accepted.includes(NAMES[table] as string));
  return wanted.map(({ table, shown }) => (table < 0 ? `truncate ${accepted.join(',')}` : shown));
}

/** True for a transaction below the position that has nothing for this sink. */
function isUnseen(accepted: readonly string[], transaction: ModelTransaction | undefined, position: Position): boolean {
  if (transaction === undefined || positionOf(transaction.endLsn) > position) return false;
  return shownTo(accepted, transaction.changes).length === 0;
}
