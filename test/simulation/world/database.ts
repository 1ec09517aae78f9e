import { Op } from '../../../src/change/batch.ts';
import type { Position } from '../../../src/change/position.ts';
import type { Random } from '../../../src/torture/random.ts';
import { KEYLESS, type ModelChange, type ModelRow, NAMES, shownChange } from './rows.ts';

/** A committed transaction of the modelled source. */
export interface ModelTransaction {
  readonly xid: number;
  readonly commitLsn: number;
  readonly endLsn: number;
  readonly changes: readonly ModelChange[];
}

/** What a snapshot of the source consists of. */
export interface ModelSnapshot {
  /** The consistent point: transactions that commit at or after it follow. */
  readonly point: number;
  readonly reads: readonly ModelChange[];
}

export const TABLES = 3;
export const ALL_TABLES: string = Array.from({ length: TABLES }, (_, t) => NAMES[t]).join(',');

/** An LSN as the WAL source spells it (Invariant 2). */
export function positionOf(lsn: number): Position {
  return lsn.toString(16).toUpperCase().padStart(16, '0');
}

export function lsnOf(position: Position): number {
  return Number.parseInt(position, 16);
}

/** The truth: what the source's tables went through, in commit order. */
export class Database {
  readonly transactions: ModelTransaction[] = [];
  readonly snapshots: ModelSnapshot[] = [];
  /** The end of the WAL. */
  lsn = 1000;
  readonly random: Random;
  #rows: readonly ReadonlyMap<string, ModelRow>[] = Array.from({ length: TABLES }, () => new Map<string, ModelRow>());
  /** The rows behind each transaction. */
  readonly #states: (readonly ReadonlyMap<string, ModelRow>[])[] = [];
  #serial = 0;

  constructor(random: Random) {
    this.random = random;
  }

  /** The same database up to an LSN, from where it goes another way. */
  fork(lsn: number): Database {
    const other = new Database(this.random);
    other.transactions.push(...this.transactions.filter(({ endLsn }) => endLsn <= lsn));
    other.snapshots.push(...this.snapshots.filter(({ point }) => point <= lsn));
    other.#states.push(...this.#states.slice(0, other.transactions.length));
    other.#rows = other.#states.at(-1) ?? other.#rows;
    other.#serial = this.#serial + 1000; // no value comes twice
    other.lsn = lsn;
    return other;
  }

  /** Commits a transaction of one to many changes; two in five commit records start right at the end of the last one. */
  commit(): ModelTransaction {
    const random = this.random;
    const size = random.chance(0.1) ? random.between(8, 20) : random.between(1, 4);
    const home = random.below(TABLES);
    const isSpread = random.chance(0.6);
    const changes: ModelChange[] = [];
    for (let i = 0; i < size; i++) {
      changes.push(random.chance(0.01) ? this.#truncate() : this.#change(isSpread ? random.below(TABLES) : home));
    }
    const commitLsn = this.lsn + (random.chance(0.4) ? 0 : random.between(1, 40));
    const endLsn = commitLsn + random.between(2, 9);
    this.lsn = endLsn;
    const transaction = { xid: 700 + this.transactions.length, commitLsn, endLsn, changes };
    this.transactions.push(transaction);
    this.#states.push(this.#rows);
    return transaction;
  }

  /** WAL of other databases: the end of the WAL moves, nothing is to be sent. */
  otherWal(): void {
    this.lsn += this.random.between(1, 60);
  }

  /** Takes a snapshot at a consistent point of its own. */
  snapshot(): ModelSnapshot {
    this.lsn += this.random.between(1, 9);
    const reads: ModelChange[] = [];
    for (const [table, rows] of this.#rows.entries()) {
      for (const row of rows.values()) reads.push(change(Op.read, table, undefined, row));
    }
    const snapshot = { point: this.lsn, reads };
    this.snapshots.push(snapshot);
    return snapshot;
  }

  #change(table: number): ModelChange {
    const random = this.random;
    const rows = new Map(this.#rows[table]);
    this.#rows = this.#rows.with(table, rows);
    const roll = random.below(10);
    if (rows.size < 2 || (roll < 4 && rows.size < 12)) {
      const key = `k${++this.#serial}`;
      const row = [key, this.#value(), random.chance(0.3) ? null : this.#value()];
      rows.set(key, row);
      return change(Op.insert, table, undefined, row);
    }
    const key = random.pick([...rows.keys()]);
    const old = rows.get(key) as ModelRow;
    const isFull = table === KEYLESS;
    if (roll < 6) {
      rows.delete(key);
      return change(Op.delete, table, isFull ? old : [key, null, null], undefined);
    }
    if (roll < 7 && !isFull) {
      const newKey = `k${++this.#serial}`;
      rows.delete(key);
      rows.set(newKey, [newKey, this.#value(), old[2] as string | null]);
      const sent = [newKey, (rows.get(newKey) as ModelRow)[1], random.chance(0.5) ? undefined : old[2]];
      return change(Op.keyChange, table, [key, null, null], sent);
    }
    const row = [key, this.#value(), old[2] as string | null];
    rows.set(key, row);
    const sent = isFull || random.chance(0.5) ? row : [row[0] as string, row[1] as string, undefined];
    return change(Op.update, table, isFull ? old : undefined, sent);
  }

  #truncate(): ModelChange {
    this.#rows = this.#rows.map(() => new Map());
    return { op: Op.control, table: -1, before: undefined, after: undefined, shown: `truncate ${ALL_TABLES}` };
  }

  #value(): string {
    return `v${++this.#serial}`;
  }
}

function change(op: Op, table: number, before: ModelRow | undefined, after: ModelRow | undefined): ModelChange {
  return { op, table, before, after, shown: shownChange(op, NAMES[table] as string, before, after) };
}
