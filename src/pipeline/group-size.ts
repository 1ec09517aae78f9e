import type { CountingCheckpoint } from '../log/protocol/counter.ts';

/** What a target transaction does for each partition is shared by its rows: of many there are to be so many of each, within a limit. */
const RECORDS_EACH = 50;
const MOST = 4;

/** How large a group of checkpoints is that one target transaction applies. */
export class GroupSize {
  #records = 0;
  #widest = 0;

  add({ records, spans }: Pick<CountingCheckpoint, 'records' | 'spans'>): void {
    this.#records += records;
    this.#widest = Math.max(this.#widest, spans.length);
  }

  /** True from `limit` records on, or later when they are of many partitions. */
  isEnough(limit: number): boolean {
    return this.#records >= Math.max(limit, Math.min(MOST * limit, RECORDS_EACH * this.#widest));
  }
}
