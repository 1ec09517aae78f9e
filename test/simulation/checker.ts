import type { Position } from '../../src/change/position.ts';
import { isWhole } from '../../src/change/copy-state.ts';
import { type Checkpoint, decodeLedgerRecord } from '../../src/log/protocol/records.ts';
import type { RecordReader } from '../../src/log/record-reader.ts';
import type { Progress } from '../../src/sink/sink.ts';
import { type Database, lsnOf, type ModelSnapshot, type ModelTransaction, positionOf } from './world/database.ts';
import { isWide } from './world/postgres.ts';
import { type ModelChange, NAMES } from './world/rows.ts';

/** How far a target is: nothing, inside a copy, or behind some of the source's transactions. Never changed in place. */
export interface Applied {
  /** Which of the source's snapshots the copy is of; -1: none yet. */
  readonly snapshot: number;
  /** Changes of the snapshot (its begin included) that are there. */
  readonly copied: number;
  /** Transactions of the source that are behind it; undefined while the copy is not whole. */
  readonly transactions: number | undefined;
  readonly position: Position | undefined;
  /** Whether the position was called consistent. */
  readonly isConsistent: boolean;
}

export const NOTHING_APPLIED: Applied = {
  snapshot: -1,
  copied: 0,
  transactions: undefined,
  position: undefined,
  isConsistent: false,
};

/**
 * Knows the truth and compares: what a target commits must be the source's next operations, in order, once, up to a commit;
 * what a source acknowledges must stand in the log. Counts checkpoints by rules of its own, not by those of `src/`.
 */
export class Checker {
  readonly #database: Database;
  readonly #accepted: readonly string[];
  readonly #begin: string;
  readonly #end: string;
  readonly #violation: (what: string) => void;
  #claim: number | undefined;
  #logId: string | undefined;
  #seen = new Set<string>();
  readonly #claimants = new Map<number, string>();
  #owner: string | undefined;
  /** Claims of sources whose lists leave nothing out. */
  readonly #wide = new Set<number>();
  /** Where a copy that was not finished was begun again: lists or tables are other ones, or somebody has made another slot. */
  readonly #anewAt = new Set<Position>();
  /** Everything was captured so far, nothing left out. */
  #isCovered = false;
  /** Daemons of which some process was asked to take over. */
  readonly asked: Set<string> = new Set();
  /** How often an operator has asked for a reset of the source. */
  resetsAsked = 0;
  /** Resets that count. */
  #resets = 0;
  /** Sinks that were told at some time that they own the target, by the numbers of their processes. */
  readonly #sinks = new Set<number>();
  /** How often one of them was told that it was replaced. */
  refusals = 0;
  #isConsistent = false;
  /** The position that a copy has to reach which several snapshots made; undefined while there is none such. */
  #level: Position | undefined;
  #hasLevel = false;
  /** Position of the last checkpoint that counts. */
  position: Position | undefined;
  counting = 0;
  ignored = 0;
  inParts = 0;

  /** `accepted` are the names of the tables that the sink wants. */
  constructor(database: Database, accepted: readonly string[], violation: (what: string) => void) {
    this.#database = database;
    this.#accepted = accepted;
    this.#begin = `snapshot-begin ${accepted.join(',')}`;
    this.#end = `snapshot-end ${accepted.join(',')}`;
    this.#violation = violation;
  }

  /** A record of the checkpoints topic was stored, by whomever. */
  stored(reader: RecordReader): void {
    if (reader.valueStart < 0) return;
    const record = decodeLedgerRecord(reader.bytes.subarray(reader.valueStart, reader.valueEnd), 'checkpoints');
    if (record === undefined) return;
    this.#logId ??= record.logId;
    if (record.kind === 'claim') {
      if (record.logId === this.#logId) this.#claim = reader.offset;
      this.#claimants.set(reader.offset, record.daemon);
      if (record.capture !== undefined && isWide(record.capture)) this.#wide.add(reader.offset);
      return;
    }
    if (record.kind === 'acceptance') return;
    const name = `${record.nonce}/${record.part}`;
    const isCopy = this.#seen.has(name);
    this.#seen.add(name);
    if (isCopy || record.claim !== this.#claim || record.logId !== this.#logId) {
      this.ignored++;
      return;
    }
    for (let part = 0; part < record.part; part++) {
      if (!this.#seen.has(`${record.nonce}/${part}`)) return this.#violation('a part of a checkpoint is missing');
    }
    if (!record.last) return;
    this.counting++;
    if (record.part > 0) this.inParts++;
    this.#assertOwner(this.#claimants.get(record.claim) as string);
    if (this.position !== undefined && record.position < this.position) {
      this.#violation(`position falls from ${this.position} to ${record.position}`);
    }
    if (this.position !== undefined && !record.consistent && record.copy === undefined)
      this.#anewAt.add(record.position);
    this.position = record.position;
    if (this.#isConsistent && !record.consistent && ++this.#resets > this.resetsAsked) {
      this.#violation('a copy began again though nobody had asked for it');
    }
    this.#isConsistent = record.consistent;
    this.#checkLevel(record);
    this.#assertCovered(this.#wide.has(record.claim), record.consistent);
  }

  /** Wider lists count from a copy under them on, and never behind narrower ones. */
  #assertCovered(isNowWide: boolean, consistent: boolean): void {
    if (isNowWide && consistent && !this.#isCovered) this.#violation('lists take in what was never captured');
    this.#isCovered = isNowWide;
  }

  /** What several snapshots read is of one moment only where the stream has passed the last one. */
  #checkLevel({ copy, position, consistent }: Checkpoint): void {
    if (!consistent) {
      this.#level = copy?.point;
      this.#hasLevel ||= copy !== undefined && isWhole(copy);
    } else if (this.#level !== undefined) {
      if (position < this.#level) this.#violation(`called consistent at ${position}, below ${this.#level}`);
      this.#level = undefined;
    }
  }

  /** The log changes hands only when an operator asked for it. */
  #assertOwner(daemon: string): void {
    if (this.#owner !== undefined && this.#owner !== daemon && !this.asked.has(daemon)) {
      this.#violation(`daemon ${daemon} took over from ${this.#owner} without being asked`);
    }
    this.#owner = daemon;
  }

  /** The server was told that it may forget everything below `position`. */
  acknowledged(position: Position): void {
    if (this.position !== undefined && position <= this.position) return;
    this.#violation(`acknowledged ${position}, the log's last checkpoint is at ${this.position}`);
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
    const begin = changes.lastIndexOf(this.#begin);
    const mayBeginAnew = this.#anewAt.size > 0 && !applied.isConsistent;
    if (begin >= 0 && applied.transactions !== undefined && !mayBeginAnew)
      this.#violation('the source was copied a second time');
    const after =
      begin >= 0 ? this.#copyAgain(changes.slice(begin), position) : this.#follow(applied, changes, position);
    const point = this.#database.snapshots[after.snapshot]?.point ?? 0;
    const isBegunAnew =
      mayBeginAnew && this.#anewAt.has(position) && position !== applied.position && point < lsnOf(position);
    const isReset = after.transactions !== undefined && !progress.consistent && (this.#resets > 0 || isBegunAnew);
    if (!isReset) this.#assertPosition(after, position, progress.consistent);
    // What is there then is void: only a copy may follow.
    return { ...(isReset ? NOTHING_APPLIED : after), position, isConsistent: progress.consistent };
  }

  /** The newest snapshot whose copy these changes begin, and after which the position is right. */
  #copyAgain(changes: readonly string[], position: Position): Applied {
    const { snapshots } = this.#database;
    let found: Applied | string = 'there is no snapshot';
    for (let snapshot = snapshots.length - 1; snapshot >= 0; snapshot--) {
      const after = this.#walk({ ...NOTHING_APPLIED, snapshot }, changes, position);
      if (typeof after !== 'string' && positionOf((snapshots[snapshot] as ModelSnapshot).point) <= position)
        return after;
      if (typeof found === 'string') found = after;
    }
    if (typeof found === 'string') this.#violation(found);
    return typeof found === 'string' ? NOTHING_APPLIED : found;
  }

  #follow(applied: Applied, changes: readonly string[], position: Position): Applied {
    const after = this.#walk(applied, changes, position);
    if (typeof after !== 'string') return after;
    this.#violation(after);
    return applied;
  }

  /** Walks the source's changes and the target's side by side; text says where they part. */
  #walk(applied: Applied, changes: readonly string[], position: Position): Applied | string {
    let { copied, transactions } = applied;
    let at = 0;
    if (transactions === undefined && changes.length > 0) {
      const snapshot = this.#database.snapshots[applied.snapshot];
      if (snapshot === undefined) return `applied ${changes[0]} before any snapshot`;
      const expected = [this.#begin, ...this.#shown(snapshot.reads), this.#end];
      for (; at < changes.length && copied < expected.length; at++, copied++) {
        if (changes[at] !== expected[copied])
          return `applied ${changes[at]} where the copy goes on with ${expected[copied]}`;
      }
      if (copied < expected.length) return { ...applied, copied };
      transactions = this.#database.transactions.findIndex(({ commitLsn }) => commitLsn >= snapshot.point);
      if (transactions < 0) transactions = this.#database.transactions.length;
    }
    if (transactions === undefined) return applied;
    while (at < changes.length) {
      const transaction = this.#database.transactions[transactions];
      if (transaction === undefined) return `applied ${changes[at]} that the source never committed`;
      for (const shown of this.#shown(transaction.changes)) {
        if (at === changes.length) return `committed half of transaction ${transaction.xid}`;
        if (changes[at] !== shown) return `applied ${changes[at]} where transaction ${transaction.xid} has ${shown}`;
        at++;
      }
      transactions++;
    }
    while (this.#isUnseen(this.#database.transactions[transactions], position)) transactions++;
    return { ...applied, copied, transactions };
  }

  /** What of these changes a sink gets that wants some tables only. */
  #shown(changes: readonly ModelChange[]): string[] {
    const wanted = changes.filter(({ table }) => table < 0 || this.#accepted.includes(NAMES[table] as string));
    return wanted.map(({ table, shown }) => (table < 0 ? `truncate ${this.#accepted.join(',')}` : shown));
  }

  /** True for a transaction below the position that has nothing for this sink. */
  #isUnseen(transaction: ModelTransaction | undefined, position: Position): boolean {
    if (transaction === undefined || positionOf(transaction.endLsn) > position) return false;
    return this.#shown(transaction.changes).length === 0;
  }

  /** The position lies behind what was applied and not behind more. */
  #assertPosition({ snapshot, transactions }: Applied, position: Position, consistent: boolean): void {
    const lsn = lsnOf(position);
    const { snapshots } = this.#database;
    if (consistent ? transactions === undefined : transactions !== undefined && !this.#hasLevel) {
      return this.#violation(
        consistent ? 'a half copied target is called consistent' : 'a whole copy is not called consistent',
      );
    }
    if (transactions === undefined) {
      if (snapshots.findIndex(({ point }) => point === lsn) < snapshot)
        this.#violation(`a copy has position ${position}`);
      return;
    }
    const all = this.#database.transactions;
    const last = Math.max(all[transactions - 1]?.endLsn ?? 0, snapshots[snapshot]?.point ?? 0);
    if (lsn < last) this.#violation(`progress ${lsn} lies below what was applied, ${last}`);
    const next = all[transactions]?.commitLsn;
    if (next !== undefined && lsn > next)
      this.#violation(`progress ${lsn} lies beyond a transaction not applied, ${next}`);
  }
}
