import { Batch, Op } from '../../../src/change/batch.ts';
import type { KeyRange } from '../../../src/change/copy-state.ts';
import type { TableSchema } from '../../../src/change/table-schema.ts';
import type { Random } from '../../../src/torture/random.ts';
import { positionOf } from '../world/database.ts';
import { addRow, KEYLESS, type ModelRow, modelTable } from '../world/rows.ts';

/** The keyed table comes first, then the one without key: places in the list of a copy. */
export const COPIED: readonly [TableSchema, TableSchema] = [modelTable(0, 1), modelTable(KEYLESS, 2)];
const KEYS = 14;

/** What the two tables have at one moment. Never changed in place. */
export interface State {
  readonly keyed: ReadonlyMap<string, ModelRow>;
  readonly keyless: readonly ModelRow[];
}

interface Change {
  readonly op: Op;
  readonly place: 0 | 1;
  readonly before?: ModelRow | undefined;
  readonly after?: ModelRow | undefined;
}

interface Committed {
  readonly commitLsn: number;
  readonly endLsn: number;
  readonly changes: readonly Change[];
  readonly after: State;
}

/**
 * A source whose few keys are left, taken and exchanged all the time, so that what was read at different moments contradicts itself. Every
 * state that it went through is kept.
 */
export class History {
  readonly #random: Random;
  readonly #transactions: Committed[] = [];
  #now: State = { keyed: new Map(), keyless: [] };
  #serial = 0;
  /** So many transactions were shown by some snapshot. */
  #seen = 1;
  lsn = 100;

  constructor(random: Random) {
    this.#random = random;
    for (let i = 0; i < 12; i++) this.commit();
  }

  get now(): State {
    return this.#now;
  }

  commit(): void {
    const changes: Change[] = [];
    for (let i = this.#random.between(1, 4); i > 0; i--) changes.push(...this.#change());
    const commitLsn = this.lsn + (this.#random.chance(0.4) ? 0 : this.#random.between(1, 5));
    this.lsn = commitLsn + this.#random.between(1, 4);
    this.#transactions.push({ commitLsn, endLsn: this.lsn, changes, after: this.#now });
  }

  /** What a snapshot shows that lacks the last so many transactions, but for what one has shown before, and the ids of those. */
  shown(unseen: number): { readonly state: State; readonly unseen: readonly number[] } {
    const all = this.#transactions;
    const at = Math.max(this.#seen, all.length - unseen);
    this.#seen = at;
    return { state: (all[at - 1] as Committed).after, unseen: all.slice(at).map(({ commitLsn }) => commitLsn) };
  }

  /** What a replica has to show that stands at this LSN. */
  stateAt(lsn: number): State {
    return this.#transactions.findLast(({ endLsn }) => endLsn <= lsn)?.after ?? { keyed: new Map(), keyless: [] };
  }

  /** The stream's batches from a position to the end of the WAL as it is then, cut at random. */
  *stream(from: number): Generator<Batch> {
    let next = this.#transactions.findIndex(({ commitLsn }) => commitLsn >= from);
    if (next < 0) next = this.#transactions.length;
    for (;;) {
      const batch = new Batch();
      let last = 0;
      while (next < this.#transactions.length && (batch.length === 0 || this.#random.chance(0.5))) {
        const transaction = this.#transactions[next++] as Committed;
        add(batch, transaction);
        last = transaction.endLsn;
      }
      batch.position = positionOf(batch.length > 0 ? last : this.lsn);
      yield batch;
    }
  }

  #change(): Change[] {
    const random = this.#random;
    return random.chance(0.25) ? [this.#keyless()] : this.#keyed();
  }

  #keyless(): Change {
    const { keyed, keyless } = this.#now;
    const row: ModelRow = ['e', `v${random3(this.#random)}`, null];
    const at = this.#random.below(keyless.length);
    const old = keyless[at];
    if (old === undefined || (keyless.length < 8 && this.#random.chance(0.5))) {
      this.#now = { keyed, keyless: [...keyless, row] };
      return { op: Op.insert, place: 1, after: row };
    }
    if (this.#random.chance(0.5)) {
      this.#now = { keyed, keyless: keyless.toSpliced(at, 1) };
      return { op: Op.delete, place: 1, before: old };
    }
    this.#now = { keyed, keyless: keyless.toSpliced(at, 1, row) };
    return { op: Op.update, place: 1, before: old, after: row };
  }

  /** Large values (the last column) are left out of updates and key changes, as the server leaves out unchanged TOAST. */
  #keyed(): Change[] {
    const random = this.#random;
    const key = String(random.below(KEYS));
    const old = this.#now.keyed.get(key);
    if (old === undefined) return [this.#put(Op.insert, [key, this.#value(), this.#value()])];
    const roll = random.below(10);
    if (roll < 2) return [this.#take(key)];
    if (roll < 4) return [this.#put(Op.update, [key, this.#value(), this.#value()])];
    if (roll < 6) return [this.#put(Op.update, [key, this.#value(), old[2]], true)];
    const to = String(random.below(KEYS));
    if (to === key) return [];
    const away = this.#now.keyed.has(to) ? [this.#take(to)] : [];
    const { op: _, ...left } = this.#take(key);
    const moved = this.#put(Op.keyChange, [to, this.#value(), old[2]], random.chance(0.7));
    return [...away, { ...moved, before: left.before }];
  }

  #put(op: Op, row: ModelRow, isPartial: boolean = false): Change {
    const keyed = new Map(this.#now.keyed).set(row[0] as string, row);
    this.#now = { ...this.#now, keyed };
    return { op, place: 0, after: isPartial ? [row[0] as string, row[1] as string, undefined] : row };
  }

  #take(key: string): Change {
    const keyed = new Map(this.#now.keyed);
    keyed.delete(key);
    this.#now = { ...this.#now, keyed };
    return { op: Op.delete, place: 0, before: [key, null, null] };
  }

  #value(): string {
    return `v${++this.#serial}`;
  }
}

/** Few values, so that rows without key repeat themselves. */
function random3(random: Random): number {
  return random.below(3);
}

function add(batch: Batch, { commitLsn, changes }: Committed): void {
  const transaction = batch.transactions.push({ xid: commitLsn, commitLsn, commitTimeUs: 0 }) - 1;
  for (const { op, place, before, after } of changes) {
    const table = COPIED[place];
    if (!batch.tables.includes(table)) batch.tables.push(table);
    const slot = batch.tables.indexOf(table);
    batch.addChange(op, slot, transaction, commitLsn, addRow(batch, before), addRow(batch, after));
  }
  if (changes.length > 0) return;
  batch.addControl({ kind: 'truncate', tables: [], cascade: false, restartIdentity: false }, transaction, commitLsn);
}

/** The rows of a range in the order of their keys, which are numbers. */
export function rowsOf({ keyed }: State, { from, to }: KeyRange): ModelRow[] {
  const [low, high] = [from === null ? -1 : Number(from[0]), to === null ? KEYS : Number(to[0])];
  const keys = [...keyed.keys()].map(Number).filter((key) => key > low && key <= high);
  return keys.sort((a, b) => a - b).map((key) => keyed.get(String(key)) as ModelRow);
}
