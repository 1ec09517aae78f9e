import type { Mutant } from './mutant.ts';

const COPIER = 'src/source/wal/request/copier.ts';
const TABLE = 'src/source/wal/request/table-copy.ts';
const WINDOW = 'src/source/wal/request/chunk-window.ts';
const PARTIAL = 'src/source/wal/request/partial-rows.ts';

/** Bugs in copies while streaming. */
export const STREAMING_MUTANTS: readonly Mutant[] = [
  {
    name: 'N1-checkpoint-without-the-copies',
    seed: 1,
    why: 'a table of which a replica has a part is called whole',
    patches: [{ file: COPIER, find: 'batch.requests = this.#list.state;', replace: '' }],
  },
  {
    name: 'N4-rows-not-taken-out',
    seed: 4,
    why: 'a row as it was read overwrites what the stream has made of it',
    patches: [{ file: WINDOW, find: 'this.#rows.op[change] = Op.control;\n    this.#gone++;', replace: '' }],
  },
  {
    name: 'N4-chunk-before-its-mark',
    seed: 3,
    why: 'rows are there before the changes that have made them',
    patches: [{ file: TABLE, find: 'highLsn: view.lsn };', replace: 'highLsn: 0 };' }],
  },
  {
    name: 'N7-values-of-the-old-key',
    seed: 3,
    why: 'a row gets values of another one that has passed its key on',
    patches: [{ file: WINDOW, find: 'this.#isShown(batch, i) ? now : old;', replace: '(old ?? now);' }],
  },
  {
    name: 'F11-chunk-of-an-older-snapshot',
    seed: 22,
    why: 'rows are read as they were before what the stream has brought',
    patches: [
      { file: TABLE, find: 'if (!active.unseen.isShownBy(view.snapshot)) return this.#retry(active);', replace: '' },
    ],
  },
  {
    name: 'R4-point-of-a-row-that-was-read-again',
    seed: 2,
    why: 'a table is called whole while a row of it is as it will be later',
    patches: [
      {
        file: PARTIAL,
        find: 'lsnToPosition(Math.max(seen, positionToLsn(begun.point)));',
        replace: 'begun.point; void lsnToPosition(seen);',
      },
    ],
  },
  {
    name: 'R4-copy-ends-before-its-point',
    seed: 4,
    why: 'the same, though the point is known',
    patches: [{ file: TABLE, find: 'if (position >= begun.point) {', replace: 'if (true) {' }],
  },
];
