const TAB = 9;
const NEWLINE = 10;
const RETURN = 13;
const BACKSLASH = 92;

/** What is known is known by blocks of so many bytes. */
const BLOCK_BITS = 6;
/** How many bytes are searched at once: so many that a search, which is native code, costs next to nothing per byte. */
const REACH = 64 * 1024;
/** Behind so many hits it would cost more to search on than to look at every byte when it is copied. */
const MOST_HITS = 256;

/**
 * Tells which stretches of some bytes stand for themselves in COPY's text format: those without tab, newline, carriage return and
 * backslash. It looks no further than it is asked, and only forwards; of what lies before its first question it knows nothing.
 */
export class PlainBytes {
  readonly #bytes: Buffer;
  readonly #dirty: Uint8Array;
  #from = -1;
  #to = 0;

  /** `bytes` do not change as long as this is used. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#dirty = new Uint8Array((bytes.length >>> BLOCK_BITS) + 1);
  }

  /** True when none of the four stands in `[start, end)`; false also when that is not known. */
  isPlain(start: number, end: number): boolean {
    if (end > this.#to) this.#look(start, end);
    if (start < this.#from) return false;
    const last = (end - 1) >> BLOCK_BITS;
    for (let block = start >> BLOCK_BITS; block <= last; block++) if (this.#dirty[block] !== 0) return false;
    return true;
  }

  #look(start: number, end: number): void {
    if (this.#from < 0) this.#to = this.#from = (start >> BLOCK_BITS) << BLOCK_BITS;
    const to = Math.min(this.#bytes.length, Math.max(end, this.#to + REACH));
    const found = this.#bytes.subarray(this.#to, to);
    for (const byte of [TAB, NEWLINE, RETURN, BACKSLASH]) this.#mark(found, byte);
    this.#to = to;
  }

  /** One hit marks its block, and the search goes on behind it; where there are many, all is marked. */
  #mark(stretch: Buffer, byte: number): void {
    let hits = 0;
    for (let at = stretch.indexOf(byte); at >= 0; ) {
      const block = (this.#to + at) >> BLOCK_BITS;
      const last = (this.#to + stretch.length - 1) >> BLOCK_BITS;
      if (++hits === MOST_HITS) {
        this.#dirty.fill(1, block, last + 1);
        return;
      }
      this.#dirty[block] = 1;
      const next = ((block + 1) << BLOCK_BITS) - this.#to;
      at = next < stretch.length ? stretch.indexOf(byte, next) : -1;
    }
  }
}
