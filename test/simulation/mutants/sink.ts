import type { Patch } from '../bundle.ts';
import type { Mutant } from './mutant.ts';

const LEDGER = 'src/pipeline/ledger.ts';
const SINK = 'src/pipeline/sink-loop.ts';
const APPLY = 'src/pipeline/apply-batches.ts';
const SPANS = 'src/pipeline/span-reader.ts';
const MERGE = 'src/pipeline/cursor-merge.ts';
const CURSOR = 'src/pipeline/partition-cursor.ts';
const COUNTER = 'src/log/protocol/counter.ts';
const IN_TURN = 'src/sink/postgres/claim-in-turn.ts';

const NO_PREDECESSOR: Patch = {
  file: SINK,
  find: 'throw historyLost(prefix, `checkpoint ${number} does not follow',
  replace: 'void historyLost(prefix, `checkpoint ${number} does not follow',
};
const READ_BACK_ALL: Patch = {
  file: LEDGER,
  find: 'const fed = counter?.feed(offset, record);\n    if (fed !== undefined) assertFollows(prefix, fed, checkpoint);',
  replace:
    "const fed = counter?.feed(offset, record) ?? (record.kind === 'checkpoint' && record.last ? new CheckpointCounter().feed(offset, { ...record, part: 0 }) : undefined);",
};
const COUNT_ALL: Patch = {
  file: COUNTER,
  find: 'if (record.claim !== this.#claimOffset || record.number <= this.#number) return undefined;',
  replace: 'if (record.number <= this.#number) return undefined;',
};

const WIDE_SPANS: readonly Patch[] = [
  {
    file: 'src/log/protocol/spans.ts',
    find: 'before.base + before.count === span.base) {\n      spans[last] = { ...before, count: before.count + span.count };',
    replace:
      'span.base > before.base) {\n      spans[last] = { ...before, count: span.base + span.count - before.base };',
  },
];

/** Bugs in what counts, and in what a sink reads and commits. */
export const SINK_MUTANTS: readonly Mutant[] = [
  {
    name: 'answer-given-back-too-early',
    seed: 1,
    why: 'records that are still to be read are written over by the next answer',
    patches: [{ file: 'src/pipeline/held-answers.ts', find: 'if (read.has(memory)) continue;', replace: '' }],
  },
  {
    name: 'A5-spans-from-lowest-to-highest',
    seed: 17,
    why: 'records of others in between become part of the checkpoint',
    patches: WIDE_SPANS,
  },
  {
    name: 'B1-partitions-not-merged-by-index',
    seed: 1,
    why: 'changes of several tables lose their order',
    patches: [
      {
        file: MERGE,
        find: 'a.number < b.number || (a.number === b.number && a.index < b.index)',
        replace: 'a.number < b.number',
      },
      {
        file: SPANS,
        find: 'if (cursor?.number === number && cursor.index === this.#index) return;',
        replace: 'if (cursor !== undefined) return;',
      },
    ],
  },
  {
    name: 'V5-progress-from-memory',
    seed: 5,
    why: 'after an unknown COMMIT what the process believes is not what the target has',
    patches: [
      {
        file: SINK,
        find: 'replay = await openReplay(options, claimed, signal);',
        replace:
          'const believed = { ...claimed, progress: options.progress.applied ?? claimed.progress };' +
          'replay = await openReplay(options, believed, signal);',
      },
    ],
  },
  {
    name: 'V5-progress-before-the-rows',
    seed: 1,
    why: 'a crash between the two loses rows',
    patches: [
      {
        file: APPLY,
        find: 'await using transaction = await sink.begin(owned, signal);',
        replace:
          '{ await using first = await sink.begin(owned, signal); await first.commit(progress, durable, signal); }' +
          'await using transaction = await sink.begin({ epoch: owned.epoch, progress }, signal);',
      },
      {
        file: APPLY,
        find: 'return await sink.commitOne(owned, batch, progress, durable, signal);',
        replace:
          'await sink.commitOne(owned, undefined, progress, durable, signal);' +
          'return await sink.commitOne({ epoch: owned.epoch, progress }, batch, progress, durable, signal);',
      },
    ],
  },
  {
    name: 'V5-checkpoint-in-two-transactions',
    seed: 2,
    why: 'a replica shows half a checkpoint',
    patches: [
      {
        file: APPLY,
        find: 'await using transaction = await sink.begin(owned, signal);',
        replace: 'let transaction = await sink.begin(owned, signal);',
      },
      {
        file: APPLY,
        find: 'await transaction.apply(batch, signal);',
        replace:
          'await transaction.apply(batch, signal); await transaction.commit(progress, durable, signal);' +
          'transaction = await sink.begin({ epoch: owned.epoch, progress }, signal);',
      },
    ],
  },
  {
    name: 'V5-first-batch-taken-for-the-only-one',
    seed: 2,
    why: 'the rest of the checkpoint is never applied',
    patches: [{ file: SPANS, find: "this.#isThrough = need === 'end';", replace: 'this.#isThrough = true;' }],
  },
  {
    name: 'V6-released-before-durable',
    seed: 121,
    why: 'the log forgets what a crash of the target takes back',
    patches: [
      {
        file: SINK,
        find: 'owned: this.#owned, progress, durable }',
        replace: 'owned: this.#owned, progress, durable: false }',
      },
    ],
  },
  {
    name: 'V5-history-lost-to-one-that-was-replaced',
    seed: 353,
    why: 'a zombie whose records its successor has released stops for a person',
    patches: [
      {
        file: SINK,
        find: 'if (error instanceof OperatorError) await assertOwned',
        replace: 'if (false) await assertOwned',
      },
    ],
  },
  {
    name: 'V8-replaced-sink-claims-again',
    seed: 35,
    why: 'two live sinks take the target from each other for ever',
    patches: [{ file: IN_TURN, find: 'if (life.hasClaimed) {', replace: 'if (false) {' }],
  },
  {
    name: 'V8-start-waits',
    seed: 8,
    why: 'nobody can take the target over from a process that hangs',
    patches: [{ file: IN_TURN, find: 'if (life.hasClaimed) {', replace: 'if (true) {' }],
  },
  {
    name: 'V8-start-waits-once-its-claim-has-failed',
    seed: 77,
    why: 'the same, when an answer was lost',
    patches: [
      {
        file: IN_TURN,
        find: 'const owned = await target.claim();',
        replace: 'life.hasClaimed = true; const owned = await target.claim();',
      },
    ],
  },
  {
    name: 'V8-own-session-taken-for-a-successor',
    seed: 2,
    why: 'a sink that has lost its connection waits for itself',
    patches: [
      {
        file: IN_TURN,
        find: 'owner !== undefined && !isSameProcess(owner, life.owner)',
        replace: 'owner !== undefined',
      },
    ],
  },
  {
    name: 'V8-successor-remembered',
    seed: 83,
    why: 'a sink that was replaced never goes on, though its successor has ended',
    patches: [
      {
        file: IN_TURN,
        find: 'const owner = await target.owner();',
        replace:
          'const kept = life as { successor?: StoredOwner }; const found = await target.owner();' +
          'if (found !== undefined && !isSameProcess(found, life.owner)) kept.successor = found;' +
          'const owner = kept.successor;',
      },
    ],
  },
  {
    name: 'C2-read-back-ignores-the-counting-rule',
    seed: 12,
    why: 'the source goes on behind a checkpoint that no sink applies',
    patches: [READ_BACK_ALL],
  },
  {
    name: 'C2-read-back-ignores-the-counting-rule, predecessor ignored',
    seed: 5,
    why: 'the same, without the second line of defence: changes are lost',
    patches: [READ_BACK_ALL, NO_PREDECESSOR],
  },
  {
    name: 'C3-every-checkpoint-counts',
    seed: 10,
    why: "a dead owner's checkpoint is applied besides the living one's",
    patches: [COUNT_ALL],
  },
  {
    name: 'C3-every-checkpoint-counts, predecessor ignored',
    seed: 10,
    why: 'the same, without the second line of defence',
    patches: [COUNT_ALL, NO_PREDECESSOR],
  },
  {
    name: 'C4-stale-copies-count',
    seed: 6,
    why: 'a copy of a checkpoint is applied again',
    patches: [
      {
        file: COUNTER,
        find: '|| record.number <= this.#number) return undefined;',
        replace: ') return undefined;',
      },
    ],
  },
  {
    name: 'C6-strays-between-spans-are-read',
    seed: 17,
    why: 'records of nobody are taken for covered ones',
    patches: [{ file: CURSOR, find: 'if (next !== undefined) this.#offset = next.span.base;', replace: '' }],
  },
  {
    name: 'A6-new-leader-believed',
    seed: 7,
    why: 'a sink stops although nothing was lost: the one that answers has not heard yet how far all are',
    patches: [
      {
        file: 'src/pipeline/fetch-waiting.ts',
        find: 'await assertStored(log, cursor, signal)',
        replace: 'cursor.assertStored(each.end)',
      },
    ],
  },
  {
    name: 'A6-no-header-assertion, spans from lowest to highest',
    seed: 17,
    why: "records of others in between are taken for the checkpoint's own",
    patches: [
      ...WIDE_SPANS,
      {
        file: CURSOR,
        find: 'if (this.number !== number || headerClaim(reader.bytes, this.headerAt) !== claim) {',
        replace: 'if (false) {',
      },
    ],
  },
];
