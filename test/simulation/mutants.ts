import type { Patch } from './bundle.ts';

/** A bug planted into the modules of `src/`: the simulation must see it. */
export interface Mutant {
  /** Letters are those of docs/architecture.md and docs/format.md, or the invariant's number. */
  readonly name: string;
  /** A seed that caught it; another one does when the loops have changed since. */
  readonly seed: number;
  /** What goes wrong with it. */
  readonly why: string;
  readonly patches: readonly Patch[];
}

const SOURCE = 'src/pipeline/source-loop.ts';
const WRITER = 'src/pipeline/checkpoint-writer.ts';
const OWNERSHIP = 'src/pipeline/ownership.ts';
const LEDGER = 'src/pipeline/ledger.ts';
const SINK = 'src/pipeline/sink-loop.ts';
const SPANS = 'src/pipeline/span-reader.ts';
const CURSOR = 'src/pipeline/partition-cursor.ts';
const COUNTER = 'src/log/protocol/counter.ts';

const NO_PREDECESSOR: Patch = {
  file: SINK,
  find: 'throw historyLost(prefix, `checkpoint ${number} does not follow',
  replace: 'void historyLost(prefix, `checkpoint ${number} does not follow',
};
const READ_BACK_ALL: Patch = {
  file: LEDGER,
  find: 'checkpoint = counter.feed(offset, record) ?? checkpoint;',
  replace:
    'const fed = counter.feed(offset, record);' +
    "checkpoint = fed ?? (record.kind === 'checkpoint' && record.last ? new CheckpointCounter().feed(offset, { ...record, part: 0 }) : undefined) ?? checkpoint;",
};
const COUNT_ALL: Patch = {
  file: COUNTER,
  find: 'if (record.claim !== this.#claimOffset || record.number <= this.#number) return undefined;',
  replace: 'if (record.number <= this.#number) return undefined;',
};

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'I1-acknowledge-before-checkpoint',
    seed: 2,
    why: 'a crash in between loses what only the source had',
    patches: [
      {
        file: SOURCE,
        find: 'await this.#writer.publish(appends, position, { committedAt, consistent });',
        replace:
          'if (position !== undefined) await this.#held.acknowledge(position);' +
          'await this.#writer.publish(appends, position, { committedAt, consistent });',
      },
    ],
  },
  {
    name: 'I3-acknowledge-position-plus-one',
    seed: 1,
    why: 'an adjacent commit is skipped after a restart',
    patches: [
      {
        file: SOURCE,
        find: "await this.#held.acknowledge(position);\n    failPoint('source.acknowledged');",
        replace:
          'await this.#held.acknowledge((parseInt(position, 16) + 1).toString(16).toUpperCase().padStart(16, "0"));',
      },
    ],
  },
  {
    name: 'I4-unknown-outcome-ignored',
    seed: 5,
    why: 'an append that failed leaves a hole',
    patches: [
      {
        file: WRITER,
        find: 'await log.publish(appends, checkpointOf, this.signal);',
        replace: 'await log.publish(appends, checkpointOf, this.signal).catch(() => ({ spans: [], checkpoint: [] }));',
      },
    ],
  },
  {
    name: 'I4-checkpoint-retried-inside-publish',
    seed: 73,
    why: 'the first copy may be stored too: two checkpoints with one number',
    patches: [
      {
        file: WRITER,
        find: 'await log.publish(appends, checkpointOf, this.signal);',
        replace:
          'await log.publish(appends, checkpointOf && ((spans) => (this.sent = checkpointOf(spans))), this.signal).catch(async (error) => {' +
          'if (this.sent === undefined) throw error;' +
          'const again = await log.publish(this.sent, undefined, this.signal); return { spans: [], checkpoint: again.spans }; });' +
          'this.sent = undefined;',
      },
    ],
  },
  {
    name: 'A1-epoch-computed',
    seed: 531,
    why: 'two claimants compute the same epoch',
    patches: [
      {
        file: OWNERSHIP,
        find: 'const claim = await appendClaim(options, held, before.logId, creating, signal);',
        replace:
          'const claim = { ...(await appendClaim(options, held, before.logId, creating, signal)), offset: end };',
      },
    ],
  },
  {
    name: 'A2-no-offset-check-before-acknowledge',
    seed: 12,
    why: 'a fenced owner acknowledges what counts for nobody',
    patches: [{ file: LEDGER, find: 'if (span.base > expected) {', replace: 'if (false) {' }],
  },
  {
    name: 'A4-checkpoint-after-half-a-transaction',
    seed: 2,
    why: 'a replica shows a state that the source never was in',
    patches: [
      {
        file: SOURCE,
        find: 'const { consistent, position } = batch;',
        replace:
          'const { consistent } = batch;' +
          'const position = batch.position ?? (batch.transactions.at(-1).commitLsn).toString(16).toUpperCase().padStart(16, "0");',
      },
    ],
  },
  {
    name: 'A4-spans-of-the-last-batch-only',
    seed: 1,
    why: 'the first part of a large transaction is outside every span',
    patches: [
      {
        file: WRITER,
        find: 'addSpans(this.#spans, published.spans);',
        replace: '',
      },
    ],
  },
  {
    name: 'A5-spans-from-lowest-to-highest',
    seed: 5,
    why: 'records of others in between become part of the checkpoint',
    patches: [
      {
        file: 'src/log/protocol/spans.ts',
        find: 'before.base + before.count === span.base) {\n      spans[last] = { ...before, count: before.count + span.count };',
        replace:
          'span.base > before.base) {\n      spans[last] = { ...before, count: span.base + span.count - before.base };',
      },
    ],
  },
  {
    name: 'A7-index-starts-again-inside-an-interval',
    seed: 1,
    why: 'two records of one checkpoint have the same place in the order',
    patches: [
      { file: SOURCE, find: 'if (!this.#open) this.#encoder.beginInterval', replace: 'this.#encoder.beginInterval' },
    ],
  },
  {
    name: 'A11-keepalive-acknowledged-without-checkpoint',
    seed: 12,
    why: 'what was received is taken for what was stored',
    patches: [
      {
        file: SOURCE,
        find: 'await this.#writer.publish([], position, { committedAt: 0, consistent });\n      await',
        replace: 'await',
      },
    ],
  },
  {
    name: 'B1-partitions-not-merged-by-index',
    seed: 1,
    why: 'changes of several tables lose their order',
    patches: [
      {
        file: SPANS,
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
    name: 'V1-idle-position-falls',
    seed: 1,
    why: 'a keepalive of a restarted walsender lies below the checkpoint: transactions are published twice',
    patches: [
      {
        file: SOURCE,
        find: 'if (position > last || (position === last && consistent !== this.#writer.consistent)) {',
        replace: 'if (position !== last) {',
      },
      {
        file: WRITER,
        find: 'if (position === undefined || last === undefined || position > last) return;',
        replace: 'return;',
      },
    ],
  },
  {
    name: 'V2-slot-without-checkpoint-stops',
    seed: 8,
    why: 'a crash between the slot and checkpoint 0 needs a person',
    patches: [
      {
        file: OWNERSHIP,
        find: 'if (claims.some(({ claim }) => claim.creating && claim.slot === held.slot)) return;',
        replace: 'if (checkpoint !== undefined) return;',
      },
    ],
  },
  {
    name: 'V2-unfinished-snapshot-gone-on-with',
    seed: 2,
    why: 'what the crashed copy had not read is never read',
    patches: [
      {
        file: OWNERSHIP,
        find: 'if (!checkpoint.consistent) return { ...next, position: undefined };',
        replace: '',
      },
    ],
  },
  {
    name: 'V2-snapshot-called-consistent',
    seed: 1,
    why: 'a replica is called a state of the source while it is being copied',
    patches: [
      {
        file: SOURCE,
        find: 'const { consistent, position } = batch;',
        replace: 'const { position } = batch; const consistent = true;',
      },
      {
        file: WRITER,
        find: 'if (position === last && !this.#consistent) return;',
        replace: 'if (position === last) return;',
      },
    ],
  },
  {
    name: 'V3-no-order-of-incarnations',
    seed: 102,
    why: 'a process that wakes up and its replacement end each other for ever',
    patches: [
      {
        file: 'src/source/source.ts',
        find: 'return a.daemon === b.daemon && (a.offset > b.offset || (a.offset === b.offset && a.id > b.id));',
        replace: 'return a.daemon === b.daemon;',
      },
      {
        file: OWNERSHIP,
        find: 'if (!claims.some(({ claim }) => isNewer(incarnationOf(claim), self))) {',
        replace: 'if (true) {',
      },
      {
        file: OWNERSHIP,
        find: 'const newer = claims.find(({ claim }) => isNewer(incarnationOf(claim), self));',
        replace: 'const newer = undefined;',
      },
    ],
  },
  {
    name: 'V3-refused-by-a-dead-process-for-ever',
    seed: 29,
    why: 'a newer process dies for good and nobody is left',
    patches: [
      { file: OWNERSHIP, find: 'if (clock.now() - memory.quiet.since < QUIET_MS) return;', replace: 'return;' },
    ],
  },
  {
    name: 'V4-newer-claim-ends-the-task',
    seed: 4,
    why: 'a late claim of a dead process stops the living one',
    patches: [
      {
        file: LEDGER,
        find: 'throw new TransientError(\n          `A newer claim',
        replace: 'throw new OperatorError(\n          `A newer claim',
      },
    ],
  },
  {
    name: 'V4-two-log-ids',
    seed: 119,
    why: 'a claim under another id than the log got counts for nobody',
    patches: [
      {
        file: OWNERSHIP,
        find: 'if (history.logId !== undefined && history.logId !== claim.logId) {',
        replace: 'if (false) {',
      },
    ],
  },
  {
    name: 'V5-progress-from-memory',
    seed: 13,
    why: 'after an unknown COMMIT what the process believes is not what the target has',
    patches: [
      {
        file: SINK,
        find: 'const owned = await options.sink.claim(signal);',
        replace:
          'const claimed = await options.sink.claim(signal);' +
          'const owned = { ...claimed, progress: options.progress.applied ?? claimed.progress };',
      },
    ],
  },
  {
    name: 'V5-progress-before-the-rows',
    seed: 1,
    why: 'a crash between the two loses rows',
    patches: [
      {
        file: SINK,
        find: 'await using transaction = await sink.begin(this.#owned, signal);',
        replace:
          '{ await using first = await sink.begin(this.#owned, signal); await first.commit(progress, durable, signal); }' +
          'this.#owned = { epoch: this.#owned.epoch, progress };' +
          'await using transaction = await sink.begin(this.#owned, signal);',
      },
    ],
  },
  {
    name: 'V5-checkpoint-in-two-transactions',
    seed: 2,
    why: 'a replica shows half a checkpoint',
    patches: [
      {
        file: SINK,
        find: 'await using transaction = await sink.begin(this.#owned, signal);',
        replace: 'let transaction = await sink.begin(this.#owned, signal);',
      },
      {
        file: SINK,
        find: 'await transaction.apply(batch, signal);',
        replace:
          'await transaction.apply(batch, signal); await transaction.commit(progress, durable, signal);' +
          'this.#owned = { epoch: this.#owned.epoch, progress }; transaction = await sink.begin(this.#owned, signal);',
      },
    ],
  },
  {
    name: 'V6-released-before-durable',
    seed: 1467,
    why: 'the log forgets what a crash of the target takes back',
    patches: [
      {
        file: SINK,
        find: 'await transaction.commit(progress, durable, signal);',
        replace: 'await transaction.commit(progress, false, signal);',
      },
    ],
  },
  {
    name: 'V7-owner-by-last-claim',
    seed: 2095,
    why: 'a late claim of the other daemon makes both refuse',
    patches: [
      {
        file: OWNERSHIP,
        find: 'claims.findLast(({ offset }) => checkpoint === undefined || offset === checkpoint.claim)',
        replace: 'claims.at(-1)',
      },
    ],
  },
  {
    name: 'V7-refused-is-an-end',
    seed: 14,
    why: 'the owner dies later and nobody is left',
    patches: [{ file: OWNERSHIP, find: 'throw new RefusedError(`Daemon', replace: 'throw new OperatorError(`Daemon' }],
  },
  {
    name: 'C1-read-back-before-the-claim',
    seed: 8,
    why: "a dead owner's checkpoint lands in between and is not seen",
    patches: [{ file: OWNERSHIP, find: 'await readHistory(log, prefix, claim.offset, signal);', replace: 'before;' }],
  },
  {
    name: 'C2-read-back-ignores-the-counting-rule',
    seed: 4,
    why: 'the source goes on behind a checkpoint that no sink applies',
    patches: [READ_BACK_ALL],
  },
  {
    name: 'C2-read-back-ignores-the-counting-rule, predecessor ignored',
    seed: 4,
    why: 'the same, without the second line of defence: changes are lost',
    patches: [READ_BACK_ALL, NO_PREDECESSOR],
  },
  {
    name: 'C3-every-checkpoint-counts',
    seed: 9,
    why: "a dead owner's checkpoint is applied besides the living one's",
    patches: [COUNT_ALL],
  },
  {
    name: 'C3-every-checkpoint-counts, predecessor ignored',
    seed: 115,
    why: 'the same, without the second line of defence',
    patches: [COUNT_ALL, NO_PREDECESSOR],
  },
  {
    name: 'C4-stale-copies-count',
    seed: 10,
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
    name: 'C5-numbers-start-again-with-a-claim',
    seed: 2,
    why: 'checkpoints of a new owner look like copies of old ones',
    patches: [{ file: OWNERSHIP, find: 'nextNumber: checkpoint.number + 1,', replace: 'nextNumber: 0,' }],
  },
  {
    name: 'C6-strays-between-spans-are-read',
    seed: 2,
    why: 'records of nobody are taken for covered ones',
    patches: [{ file: CURSOR, find: 'if (next !== undefined) this.#offset = next.span.base;', replace: '' }],
  },
];
