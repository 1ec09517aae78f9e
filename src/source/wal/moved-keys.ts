import type { Batch } from '../../change/batch.ts';
import type { TableSchema } from '../../change/table-schema.ts';

/** More keys than this are not remembered one by one. */
const MAX_KEYS = 100_000;

/** Types of which equal values have equal texts. Of others (numeric, citext, char) a key is not known again by its text. */
const EXACT = /^pg_catalog\.(int[248]|oid|uuid|date|time|timestamp|timestamptz|bytea|text|varchar|name|bool)$/;

/**
 * Which key changes may find nothing, or another row, under their old key while a copy is brought to one moment: all below the last
 * snapshot's point, behind it only those of a key that was itself read again at a later moment. So the catching up ends under any load
 * in which a row does not change its key again and again within the lag.
 */
export class MovedKeys {
  /** Every change below is doubtful. */
  #below: number;
  /** So is every one below this, because its key may have been forgotten. */
  #forgotten = 0;
  readonly #until = new Map<string, number>();
  readonly #added: string[] = [];

  constructor(point: number) {
    this.#below = point;
  }

  isDoubtful(batch: Batch, change: number): boolean {
    const lsn = batch.transactions[batch.transaction[change] as number]?.commitLsn ?? 0;
    if (lsn < Math.max(this.#below, this.#forgotten)) return true;
    const table = batch.tables[batch.table[change] as number] as TableSchema;
    if (!table.key.every((ordinal) => EXACT.test(table.columns[ordinal]?.type?.base ?? ''))) return true;
    return lsn < (this.#until.get(nameOf(batch, table, batch.before[change] as number)) ?? 0);
  }

  /** The change is to be completed: what leaves its new key is doubtful too, up to where `seen` says. */
  add(batch: Batch, change: number): void {
    const table = batch.tables[batch.table[change] as number] as TableSchema;
    const name = nameOf(batch, table, batch.after[change] as number);
    this.#until.set(name, Number.POSITIVE_INFINITY);
    this.#added.push(name);
  }

  /** What was added since was read as of this LSN. */
  seen(lsn: number): void {
    for (const name of this.#added.splice(0)) this.#until.set(name, lsn);
    if (this.#until.size <= MAX_KEYS) return;
    this.#until.clear();
    this.#forgotten = Math.max(this.#forgotten, lsn);
  }

  /** From here on a row is found under its old key, unless that one was read again. */
  settled(lsn: number): void {
    this.#below = lsn;
  }
}

function nameOf(batch: Batch, { relationId, key }: TableSchema, row: number): string {
  const texts = key.map((ordinal) => {
    const at = 2 * (row + ordinal);
    return batch.bytes.toString('latin1', batch.cells[at], batch.cells[at + 1]);
  });
  return JSON.stringify([relationId, ...texts]);
}
