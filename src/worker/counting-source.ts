import { type Batch, Op } from '../change/batch.ts';
import type { HeldSource, Source } from '../source/source.ts';

/** What a source has streamed, by transaction. Resent transactions are counted once. */
export interface SourceCounts {
  transactions: number;
  /** Transactions that changed rows of more than one table. */
  multiTableTransactions: number;
}

/** The same source, which counts the transactions that are read from it. */
export function countingSource(source: Source, counts: SourceCounts): Source {
  const tally = new TransactionTally(counts);
  return {
    async open(...args) {
      const held = await source.open(...args);
      return countingHold(held, tally);
    },
  };
}

function countingHold(held: HeldSource, tally: TransactionTally): HeldSource {
  return {
    identity: held.identity,
    slot: held.slot,
    dropAdvice: held.dropAdvice,
    capture: held.capture,
    get confirmed() {
      return held.confirmed;
    },
    exists: (...args) => held.exists(...args),
    descendsFrom: (...args) => held.descendsFrom(...args),
    assertCovered: (...args) => held.assertCovered(...args),
    create: (...args) => held.create(...args),
    goOn: (...args) => held.goOn(...args),
    get copying() {
      return held.copying;
    },
    snapshot: (...args) => held.snapshot(...args),
    async *read(...args) {
      for await (const batch of held.read(...args)) {
        tally.add(batch);
        yield batch;
      }
    },
    restore: (...args) => held.restore(...args),
    signal: (...args) => held.signal(...args),
    tables: (...args) => held.tables(...args),
    syncSequences: (...args) => held.syncSequences(...args),
    acknowledge: (...args) => held.acknowledge(...args),
    [Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
  };
}

/** Follows transactions over batches: one may go on in the next batch. */
class TransactionTally {
  readonly #counts: SourceCounts;
  #commitLsn = 0;
  #relation = 0;
  #isMultiTable = false;

  constructor(counts: SourceCounts) {
    this.#counts = counts;
  }

  add(batch: Batch): void {
    for (let i = 0; i < batch.length; i++) {
      if (batch.op[i] === Op.control || batch.op[i] === Op.read) continue;
      const commitLsn = batch.transactions[batch.transaction[i] as number]?.commitLsn ?? 0;
      const relation = batch.tables[batch.table[i] as number]?.relationId ?? 0;
      if (commitLsn > this.#commitLsn) this.#begin(commitLsn, relation);
      else if (commitLsn === this.#commitLsn && relation !== this.#relation && !this.#isMultiTable) {
        this.#isMultiTable = true;
        this.#counts.multiTableTransactions++;
      }
    }
  }

  #begin(commitLsn: number, relation: number): void {
    this.#commitLsn = commitLsn;
    this.#relation = relation;
    this.#isMultiTable = false;
    this.#counts.transactions++;
  }
}
