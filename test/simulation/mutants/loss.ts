import type { Patch } from '../bundle.ts';
import { HARMED_SEEDS } from '../world/harmed-seeds.ts';
import type { Mutant } from './mutant.ts';

const SINK = 'src/pipeline/sink-loop.ts';
const GAP = 'src/pipeline/gap.ts';
const LEDGER = 'src/pipeline/ledger.ts';
const CURSOR = 'src/pipeline/partition-cursor.ts';
const OWNERSHIP = 'src/pipeline/ownership.ts';
const READER = 'src/pipeline/checkpoint-reader.ts';

const NO_NUMBER: Patch = { file: SINK, find: '      !isNext ||\n', replace: '' };
const NO_PREDECESSOR: Patch = {
  file: SINK,
  find: 'throw historyLost(prefix, `checkpoint ${number} does not follow',
  replace: 'void historyLost(prefix, `checkpoint ${number} does not follow',
};
const NO_APPLIED: Patch = { file: SINK, find: 'if (progress.checkpointOffset >= start && ', replace: 'if (false && ' };
const NO_TOPIC_IDS: Patch = {
  file: 'src/pipeline/history-lost.ts',
  find: 'if (actual === undefined || actual === id) continue;',
  replace: 'continue;',
};
const NO_HEADER: Patch = {
  file: CURSOR,
  find: 'if (this.number !== number || headerClaim(reader.bytes, this.headerAt) !== claim) {',
  replace: 'if (false) {',
};
const NO_RECORD_COUNT: Patch = {
  file: 'src/pipeline/span-reader.ts',
  find: 'if (cursor?.number === number && cursor.index === this.#index) return;',
  replace: 'if (cursor !== undefined) return;',
};

const CHECKS: readonly Mutant[] = [
  {
    name: 'F10-slot-ahead-not-seen',
    seed: 119,
    why: 'what lies between the last checkpoint and the slot is in no stream',
    patches: [{ file: GAP, find: 'if (held.confirmed > position) {', replace: 'if (false) {' }],
  },
  {
    name: 'F10-other-history-not-seen',
    seed: 1349,
    why: 'a server that never had a part of the log goes on as if it had',
    patches: [{ file: GAP, find: 'if (owner !== undefined && !(await', replace: 'if (false && owner && !(await' }],
  },
  {
    name: 'F10-missing-slot-made-anew',
    seed: 79,
    why: 'a source without slot is taken for one that goes on',
    patches: [
      {
        file: GAP,
        find: 'if (held.confirmed === undefined) {',
        replace: 'if (held.confirmed === undefined) return; if (false) {',
      },
    ],
  },
  {
    name: 'F10-copy-begins-below-the-log',
    seed: 759,
    why: 'positions fall, and readers that have seen higher ones take what follows for old',
    patches: [
      {
        file: 'src/pipeline/source-loop.ts',
        find: 'if (previous === null || from >= previous.position) return;',
        replace: 'if (true) return;',
      },
    ],
  },
  {
    name: 'A2-tail-given-out-again',
    seed: 199,
    why: 'a checkpoint that stands where the log has lost its end follows nothing',
    patches: [{ file: LEDGER, find: 'if (span.base < expected) {', replace: 'if (false) {' }],
  },
  {
    name: 'A6-missing-checkpoints-passed-over, by a source',
    seed: 1759,
    why: 'a start waits for a record that will never come, and says nothing',
    patches: [
      {
        file: LEDGER,
        find: 'if (reader.offset > offset) throw historyLost(prefix, `offset ${offset} is missing`);\n      offset++;',
        replace: 'if (reader.offset >= to) break; offset = reader.offset + 1;',
      },
    ],
  },
  {
    name: 'A6-missing-checkpoints-passed-over, predecessor ignored',
    seed: 689,
    why: 'what they cover is applied by nobody',
    patches: [
      { file: READER, find: 'if (reader.offset > this.#offset) throw', replace: 'if (false) throw' },
      { file: LEDGER, find: 'if (reader.offset > offset) throw', replace: 'offset = reader.offset; if (false) throw' },
      NO_NUMBER,
      NO_PREDECESSOR,
    ],
  },
  {
    name: 'A6-number-of-the-predecessor-ignored',
    seed: 1554,
    why: 'a log that lost its end has another checkpoint at the offset of the one that was applied',
    patches: [NO_NUMBER, NO_APPLIED],
  },
  {
    name: 'A6-predecessor-ignored',
    seed: 1554,
    why: 'a log that lost its end goes on without what was applied, or with it once more',
    patches: [NO_PREDECESSOR, NO_APPLIED],
  },
  {
    name: 'A6-applied-checkpoint-not-looked-for',
    seed: 1554,
    why: 'a log that has begun anew is waited for in vain',
    patches: [NO_APPLIED],
  },
  {
    name: 'A6-claim-that-was-never-met',
    seed: 16244,
    why: 'a sink that reads on takes all checkpoints of a log that was written anew for those of a dead owner',
    patches: [{ file: READER, find: 'else if (record !== undefined) this.#assertClaimMet(record);', replace: '' }],
  },
  {
    name: 'A6-topic-ids-ignored',
    seed: 5084,
    why: 'a topic that was made again is read on as if it were the old one',
    patches: [NO_TOPIC_IDS],
  },
  {
    name: 'A6-missing-record-passed-over',
    seed: 3069,
    why: 'a record that was compacted away is missing in the replica',
    patches: [
      {
        file: CURSOR,
        find: 'if (reader.offset > this.#offset) this.#lost(`offset ${this.#offset} is missing`);',
        replace: 'while (!this.done && reader.offset > this.#offset) this.#pass(); if (this.done) return;',
      },
      {
        file: CURSOR,
        find: '  #check(reader: RecordReader): void {',
        replace:
          '  #pass(): void { const { span } = this.#spans[this.#spanAt]; if (++this.#offset === span.base + span.count) ' +
          '{ const next = this.#spans[++this.#spanAt]; if (next) this.#offset = next.span.base; } }\n  #check(reader: RecordReader): void {',
      },
      NO_RECORD_COUNT,
    ],
  },
  {
    name: 'A6-record-of-another-checkpoint',
    seed: 2284,
    why: 'what was written where a partition had lost its end is taken for what was lost',
    patches: [NO_HEADER, NO_RECORD_COUNT],
  },
  {
    name: 'S1-filter-widened-unseen',
    seed: 564,
    why: 'the rows that a table had before are in no replica',
    patches: [
      {
        file: 'src/pipeline/filter-change.ts',
        find: 'throw widened(name, prefix, missed);',
        replace: 'void widened; return { now: filter, fromCopy: undefined };',
      },
    ],
  },
  {
    name: 'S1-copy-gone-on-with-taken-for-a-new-one',
    seed: 7794,
    why: 'the rows that were copied before a kill are in no replica',
    patches: [
      {
        file: LEDGER,
        find: 'return !consistent && copy === undefined && previous',
        replace: 'return !consistent && previous',
      },
    ],
  },
  {
    name: 'S1-filter-not-remembered',
    seed: 14,
    why: 'a table that was left out for a while is taken in again, without what it went through',
    patches: [{ file: SINK, find: 'filter: this.#planAfter(checkpoint).now,', replace: '' }],
  },
  {
    name: 'V3-incarnation-from-a-shorter-log',
    seed: 3994,
    why: 'a process that has died had booted when the log was longer: nobody is ever newer',
    patches: [
      { file: OWNERSHIP, find: 'Math.max(end, ...claims.map(({ claim }) => claim.booted + 1))', replace: 'end' },
    ],
  },
];

/** Checks that are left out: nobody says that history was taken away. Where two look at the same, both are. */
export const LOSS_MUTANTS: readonly Mutant[] = CHECKS.map((mutant) => ({ ...mutant, digits: HARMED_SEEDS }));
