import type { PartitionCursor } from './partition-cursor.ts';

type Merged = Pick<PartitionCursor, 'done' | 'loaded' | 'number' | 'index'>;

/**
 * Merges cursors by checkpoint number and index (B1): a heap, so that what a record costs hardly grows with the number of partitions. Whoever takes the
 * record of `first` or feeds one of `waiting` says so.
 */
export class CursorMerge<Cursor extends Merged> {
  /** Loaded cursors; each precedes those at twice its place, and the one behind it. */
  readonly #heap: Cursor[] = [];
  #waiting: Cursor[] = [];

  constructor(cursors: Iterable<Cursor>) {
    for (const cursor of cursors) this.#place(cursor);
  }

  /** The one on the lowest record of those that are loaded. */
  get first(): Cursor | undefined {
    return this.#heap[0];
  }

  /** Those that have to be fed before it is known which record is the lowest. */
  get waiting(): readonly Cursor[] {
    return this.#waiting;
  }

  /** All that are not done. */
  get open(): readonly Cursor[] {
    return [...this.#heap, ...this.#waiting];
  }

  /** The first cursor has gone on. */
  moved(): void {
    const [cursor] = this.#heap;
    if (cursor === undefined) return;
    if (cursor.loaded && !cursor.done) return this.#sink(cursor);
    const last = this.#heap.pop() as Cursor;
    if (last !== cursor) this.#sink(last);
    if (!cursor.done) this.#waiting.push(cursor);
  }

  /** Some of the waiting were fed. */
  fed(): void {
    const fed = this.#waiting;
    this.#waiting = [];
    for (const cursor of fed) this.#place(cursor);
  }

  #place(cursor: Cursor): void {
    if (cursor.done) return;
    if (cursor.loaded) this.#rise(cursor);
    else this.#waiting.push(cursor);
  }

  #rise(cursor: Cursor): void {
    const heap = this.#heap;
    let at = heap.push(cursor) - 1;
    for (let above = (at - 1) >> 1; at > 0 && precedes(cursor, heap[above] as Cursor); above = (at - 1) >> 1) {
      heap[at] = heap[above] as Cursor;
      at = above;
    }
    heap[at] = cursor;
  }

  /** Puts the cursor in place of the first one. */
  #sink(cursor: Cursor): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && precedes(heap[below + 1] as Cursor, heap[below] as Cursor)) below++;
      if (!precedes(heap[below] as Cursor, cursor)) break;
      heap[at] = heap[below] as Cursor;
      at = below;
    }
    heap[at] = cursor;
  }
}

function precedes(a: Merged, b: Merged): boolean {
  return a.number < b.number || (a.number === b.number && a.index < b.index);
}
