/** Where the WAL and the transaction ids of a server stood at a look. */
export interface WalMark {
  readonly lsn: number;
  readonly xid: number;
}

/** How far a place in the WAL is behind its end. */
export interface WalLag {
  readonly bytes: number;
  /** Transactions that began since, by estimate between two looks; undefined for a place before the first look. */
  readonly transactions: number | undefined;
}

/** Enough for hours: when there are more, every other one of the older ones goes. */
const MOST_MARKS = 512;

/** Remembers how the WAL of a server grew, so that a distance in bytes can be told in transactions. */
export class WalMarks {
  #marks: WalMark[] = [];

  /** Adds the newest mark. One that lies before the last (another server, another timeline) begins anew. */
  add(mark: WalMark): void {
    const last = this.#marks.at(-1);
    if (last !== undefined && (mark.lsn < last.lsn || mark.xid < last.xid)) this.#marks = [];
    this.#marks.push(mark);
    if (this.#marks.length > MOST_MARKS) {
      this.#marks = this.#marks.filter((_, i) => i % 2 === 0 || i >= this.#marks.length / 2);
    }
  }

  /** How far `lsn` is behind the newest mark; undefined before the first one. */
  lag(lsn: number): WalLag | undefined {
    const end = this.#marks.at(-1);
    if (end === undefined) return undefined;
    if (lsn >= end.lsn) return { bytes: 0, transactions: 0 };
    const bytes = end.lsn - lsn;
    const at = this.#marks.findLastIndex((mark) => mark.lsn <= lsn);
    const below = this.#marks[at];
    const above = this.#marks[at + 1];
    if (below === undefined || above === undefined) return { bytes, transactions: undefined };
    const part = (lsn - below.lsn) / (above.lsn - below.lsn);
    return { bytes, transactions: Math.round(end.xid - below.xid - part * (above.xid - below.xid)) };
  }
}
