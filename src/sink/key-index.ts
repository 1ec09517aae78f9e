import { type Batch, UNCHANGED } from '../change/batch.ts';

const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

/**
 * Numbers the distinct keys of rows in a batch by the bytes of their key cells: open addressing over typed arrays, no
 * string and no object per row. Text equality is enough: one row's key keeps its text until a key change.
 */
export class KeyIndex {
  readonly #batch: Batch;
  readonly #key: readonly number[];
  readonly #slots: Int32Array;
  readonly #hashes: Int32Array;
  readonly #bases: Int32Array;
  readonly #fallbacks: Int32Array;
  size = 0;

  /** `capacity`: the most keys that will be added. */
  constructor(batch: Batch, key: readonly number[], capacity: number) {
    this.#batch = batch;
    this.#key = key;
    let slots = 8;
    while (slots < capacity * 2) slots *= 2;
    this.#slots = new Int32Array(slots);
    this.#hashes = new Int32Array(capacity);
    this.#bases = new Int32Array(capacity);
    this.#fallbacks = new Int32Array(capacity);
  }

  /** The key's number; a new one (`size` grows) when it was not there. Cells UNCHANGED at `base` are taken from `fallback`. */
  add(base: number, fallback: number): number {
    const hash = this.#hash(base, fallback);
    const at = this.#find(hash, base, fallback);
    const found = this.#slots[at] as number;
    if (found !== 0) return found - 1;
    const entry = this.size++;
    this.#slots[at] = entry + 1;
    this.#hashes[entry] = hash;
    this.#bases[entry] = base;
    this.#fallbacks[entry] = fallback;
    return entry;
  }

  has(base: number, fallback: number): boolean {
    return this.#slots[this.#find(this.#hash(base, fallback), base, fallback)] !== 0;
  }

  /** The slot of the key, or the free one where it belongs. */
  #find(hash: number, base: number, fallback: number): number {
    const mask = this.#slots.length - 1;
    let at = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const entry = (this.#slots[at] as number) - 1;
      if (entry < 0 || (this.#hashes[entry] === hash && this.#equal(entry, base, fallback))) return at;
      at = (at + 1) & mask;
    }
  }

  #hash(base: number, fallback: number): number {
    const { cells, bytes } = this.#batch;
    let hash = FNV_OFFSET;
    for (const ordinal of this.#key) {
      const cell = cellOf(cells, base, fallback, ordinal);
      const end = cells[cell + 1] as number;
      for (let i = cells[cell] as number; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), FNV_PRIME);
      hash = Math.imul(hash ^ 0x100, FNV_PRIME); // ("a", "bc") is not ("ab", "c")
    }
    return hash;
  }

  #equal(entry: number, base: number, fallback: number): boolean {
    const { cells, bytes } = this.#batch;
    for (const ordinal of this.#key) {
      const a = cellOf(cells, this.#bases[entry] as number, this.#fallbacks[entry] as number, ordinal);
      const b = cellOf(cells, base, fallback, ordinal);
      const aEnd = cells[a + 1] as number;
      const bEnd = cells[b + 1] as number;
      if (aEnd < 0 || bEnd < 0) {
        if (aEnd !== bEnd) return false;
        continue;
      }
      let i = cells[a] as number;
      let j = cells[b] as number;
      if (aEnd - i !== bEnd - j) return false;
      while (i < aEnd) if (bytes[i++] !== bytes[j++]) return false;
    }
    return true;
  }
}

/** Where the cell's bounds stand: at `base`, or at `fallback` when it is UNCHANGED there. */
function cellOf(cells: Int32Array, base: number, fallback: number, ordinal: number): number {
  const cell = 2 * (base + ordinal);
  return cells[cell + 1] === UNCHANGED && fallback >= 0 ? 2 * (fallback + ordinal) : cell;
}
