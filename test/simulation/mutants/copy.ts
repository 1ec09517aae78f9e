import type { Mutant } from './mutant.ts';

const OWNERSHIP = 'src/pipeline/ownership.ts';
const SOURCE = 'src/pipeline/source-loop.ts';
const CATCH_UP = 'src/source/wal/catch-up.ts';

/** Bugs in how an interrupted copy is gone on with. */
export const COPY_MUTANTS: readonly Mutant[] = [
  {
    name: 'R1-state-of-a-batch-that-is-not-stored-yet',
    seed: 5,
    why: 'rows that only the killed process had are taken for copied',
    patches: [
      {
        file: SOURCE,
        find: 'await this.#writer.publish(appends, position, { committedAt, consistent, copy });',
        replace:
          'await this.#writer.publish(appends, position, { committedAt, consistent, copy: copy && { ...copy, rows: copy.rows + 1 } });',
      },
    ],
  },
  {
    name: 'R2-goes-on-whatever-the-slot-says',
    seed: 413,
    why: 'another slot begins later: what lies between is in no stream',
    patches: [
      {
        file: OWNERSHIP,
        find: ' && !isVoid && (await canGoOn(history, held, prefix, signal))',
        replace: '',
      },
    ],
  },
  {
    name: 'R3-consistent-before-the-point',
    seed: 9,
    why: 'rows of several moments are called one state, and a strict sink meets what it does not expect',
    patches: [{ file: CATCH_UP, find: 'batch.consistent = false;', replace: '' }],
  },
  {
    name: 'R1-idle-checkpoint-forgets-the-copy',
    seed: 138,
    why: 'a whole copy begins anew',
    patches: [
      {
        file: SOURCE,
        find: 'await this.#writer.publish([], position, { committedAt: 0, consistent, copy });',
        replace: 'await this.#writer.publish([], position, { committedAt: 0, consistent });',
      },
    ],
  },
];
