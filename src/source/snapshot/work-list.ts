import type { CopyState, KeyRange, KeyText, NewerCopy, OpenTable } from '../../change/copy-state.ts';
import type { Position } from '../../change/position.ts';

/** A range of one table (by its place in the list) that one reader copies. */
export interface Chunk {
  readonly table: number;
  readonly range: KeyRange;
}

/** What the work list has to know of a table. */
export interface WorkTable {
  readonly relationId: number;
  readonly hasKey: boolean;
}

const WHOLE: KeyRange = { from: null, to: null };

/**
 * Which ranges of which tables are still to be copied; pure. A range is done when all its rows were handed on; what was begun and is
 * not done is read again by the next copy, so at most one chunk per reader.
 */
export class WorkList {
  readonly #tables: readonly WorkTable[];
  readonly #fingerprint: string;
  readonly #point: Position;
  /** Ranges of tables that were begun, in the order in which they are handed out. */
  readonly #waiting: Chunk[];
  readonly #busy = new Set<Chunk>();
  readonly #newer: readonly NewerCopy[];
  /** Tables without key that this snapshot copies, though it is not the first one: what was known of them is void. */
  readonly again: readonly number[];
  #begun: number;
  #rows: number;

  /** `before` is how far an earlier copy of the same tables came; undefined for the first snapshot, whose point is the stream's beginning. */
  constructor(tables: readonly WorkTable[], fingerprint: string, point: Position, before?: CopyState) {
    this.#tables = tables;
    this.#fingerprint = fingerprint;
    this.#point = point;
    this.#begun = before?.begun ?? 0;
    this.#rows = before?.rows ?? 0;
    const open = before?.open ?? [];
    const isOpen = new Set(open.map(({ table }) => table));
    const isAgain = (place: number): boolean =>
      !this.#table(place).hasKey && (place >= this.#begun || isOpen.has(place));
    this.again = before === undefined ? [] : tables.flatMap((_, place) => (isAgain(place) ? [place] : []));
    this.#newer = newerCopies(
      before?.newer ?? [],
      point,
      this.again.map((place) => this.#table(place).relationId),
    );
    this.#waiting = open.flatMap(({ table, ranges }) =>
      this.#table(table).hasKey ? ranges.map((range) => ({ table, range })) : [{ table, range: WHOLE }],
    );
  }

  /** The next range; it is busy until it is done or cut. Undefined when all are handed out. */
  take(): Chunk | undefined {
    let chunk = this.#waiting.shift();
    if (chunk === undefined && this.#begun < this.#tables.length) chunk = { table: this.#begun++, range: WHOLE };
    if (chunk !== undefined) this.#busy.add(chunk);
    return chunk;
  }

  /** Cuts a busy range at `key`: what lies up to there stays busy and is returned, the rest waits, first in line. */
  cut(chunk: Chunk, key: KeyText): Chunk {
    const { table, range } = chunk;
    const first = { table, range: { from: range.from, to: key } };
    this.#busy.delete(chunk);
    this.#busy.add(first);
    this.#waiting.unshift({ table, range: { from: key, to: range.to } });
    return first;
  }

  done(chunk: Chunk, rows: number): void {
    this.#busy.delete(chunk);
    this.#rows += rows;
  }

  get isDone(): boolean {
    return this.#begun === this.#tables.length && this.#waiting.length === 0 && this.#busy.size === 0;
  }

  get tablesDone(): number {
    return this.#begun - this.#open().size;
  }

  get rows(): number {
    return this.#rows;
  }

  /** How far the copy is now. */
  state(): CopyState {
    const open = [...this.#open()].map(([table, ranges]): OpenTable => ({ table, ranges }));
    return {
      fingerprint: this.#fingerprint,
      point: this.#point,
      begun: this.#begun,
      tables: this.#tables.length,
      open,
      newer: this.#newer,
      rows: this.#rows,
    };
  }

  #open(): Map<number, KeyRange[]> {
    const open = new Map<number, KeyRange[]>();
    for (const { table, range } of [...this.#busy, ...this.#waiting]) {
      const ranges = open.get(table);
      if (ranges === undefined) open.set(table, [range]);
      else ranges.push(range);
    }
    return open;
  }

  #table(place: number): WorkTable {
    const table = this.#tables[place];
    if (table === undefined) throw new Error(`A copy names table ${place} of ${this.#tables.length}`);
    return table;
  }
}

/** A table that is copied again is of the newest snapshot only. */
function newerCopies(before: readonly NewerCopy[], point: Position, again: readonly number[]): NewerCopy[] {
  const kept = before
    .map((each) => ({ ...each, relations: each.relations.filter((id) => !again.includes(id)) }))
    .filter(({ relations }) => relations.length > 0);
  return again.length === 0 ? kept : [...kept, { point, relations: again }];
}
