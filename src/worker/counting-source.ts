import { type Batch, Op } from '../change/batch.ts';
import { addValue } from '../observe/histogram.ts';
import { countTables } from '../observe/table-changes.ts';
import type { HeldSource, Source } from '../source/source.ts';
import type { Work } from './work.ts';

/** What a source has streamed, by transaction. Resent transactions are counted once. */
export interface SourceCounts {
  transactions: number;
  /** Transactions that changed rows of more than one table. */
  multiTableTransactions: number;
}

/** What else is noted of what is read. A batch that is read again after a failure counts again. */
export interface SourceNotes {
  readonly work: Work;
  /** When the oldest transaction was committed that may not be stored yet, milliseconds since 1970; 0: there is none. */
  readonly reading: { committedAt: number };
}

/** The same source, which counts the transactions that are read from it. */
export function countingSource(source: Source, counts: SourceCounts, notes?: SourceNotes): Source {
  const tally = new TransactionTally(counts);
  return {
    async open(...args) {
      const held = await source.open(...args);
      return countingHold(held, tally, notes);
    },
  };
}

/** A batch is stored when the one after the next is asked for: until then the one before it counts as well. */
async function* noted(batches: AsyncIterable<Batch>, notes: SourceNotes | undefined): AsyncIterable<Batch> {
  if (notes === undefined) return yield* batches;
  let before = 0;
  for await (const batch of batches) {
    countTables(notes.work.tables, batch);
    if (batch.length > 0) addValue(notes.work.batchChanges, batch.length);
    const committedAt = committedOf(batch);
    notes.reading.committedAt = before || committedAt;
    before = committedAt;
    yield batch;
  }
}

/** When its first transaction was committed, milliseconds since 1970; 0 for rows of a snapshot, and for none. */
function committedOf({ length, op, transaction, transactions }: Batch): number {
  if (length === 0 || op[0] === Op.read || op[0] === Op.control) return 0;
  return Math.floor((transactions[transaction[0] as number]?.commitTimeUs ?? 0) / 1000);
}

function countingHold(held: HeldSource, tally: TransactionTally, notes: SourceNotes | undefined): HeldSource {
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
    snapshot: (...args) => noted(held.snapshot(...args), notes),
    async *read(...args) {
      for await (const batch of noted(held.read(...args), notes)) {
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
