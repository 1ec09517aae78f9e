import type { Mutant } from './mutant.ts';

const SOURCE = 'src/pipeline/publisher.ts';
const WRITER = 'src/pipeline/checkpoint-writer.ts';
const LEDGER = 'src/pipeline/ledger.ts';

/** Bugs in what a source publishes, checkpoints and acknowledges. */
export const SOURCE_MUTANTS: readonly Mutant[] = [
  {
    name: 'I1-acknowledge-before-checkpoint',
    seed: 2,
    why: 'a crash in between loses what only the source had',
    patches: [
      {
        file: SOURCE,
        find: 'await this.#writer.publish(appends, position, { committedAt, consistent, copy, requests });',
        replace:
          'if (position !== undefined) await this.#held.acknowledge(position);' +
          'await this.#writer.publish(appends, position, { committedAt, consistent, copy, requests });',
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
    seed: 2,
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
    seed: 2,
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
        find: 'const { consistent, position, copy, requests } = batch;',
        replace:
          'const { consistent, copy, requests } = batch;' +
          'const position = batch.position ?? (batch.transactions.at(-1).commitLsn).toString(16).toUpperCase().padStart(16, "0");',
      },
    ],
  },
  {
    name: 'A4-spans-of-the-last-batch-only',
    seed: 2,
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
    name: 'B1-index-starts-again-inside-an-interval',
    seed: 2,
    why: 'two records of one checkpoint have the same place in the order',
    patches: [
      { file: SOURCE, find: 'if (!this.#isOpen) this.#encoder.beginInterval', replace: 'this.#encoder.beginInterval' },
    ],
  },
  {
    name: 'I2-sent-although-the-batch-before-failed',
    seed: 16,
    why: 'its transactions are in no checkpoint, and those behind it are',
    patches: [
      {
        file: SOURCE,
        find: 'await this.#storing;\n    this.#storing = this.#store(batch, appends, number);',
        replace:
          'await this.#storing.catch(() => {}); this.#storing = this.#store(batch, appends, this.#writer.number);',
      },
    ],
  },
  {
    name: 'I2-sent-while-the-batch-before-is-on-its-way',
    seed: 1,
    why: 'two checkpoints name one predecessor',
    patches: [
      {
        file: SOURCE,
        find: 'await this.#storing;\n    this.#storing = this.#store(batch, appends, number);',
        replace: 'this.#storing = this.#store(batch, appends, this.#writer.number);',
      },
    ],
  },
  {
    name: 'V1-idle-position-falls',
    seed: 3,
    why: 'a keepalive of a restarted walsender lies below the checkpoint: transactions are published twice',
    patches: [
      {
        file: SOURCE,
        find: 'if (position > last || (position === last && isNew)) {',
        replace: 'if (position !== last) {',
      },
      {
        file: WRITER,
        find: 'if (position === undefined || last === undefined || position > last) return;',
        replace: 'return;',
      },
    ],
  },
];
