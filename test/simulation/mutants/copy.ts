import type { Mutant } from './mutant.ts';

const OWNERSHIP = 'src/pipeline/ownership.ts';
const SOURCE = 'src/pipeline/publisher.ts';
const CATCH_UP = 'src/source/wal/catch-up.ts';
const MOVED_KEYS = 'src/source/wal/moved-keys.ts';
const WORK_LIST = 'src/source/snapshot/work-list.ts';

/** Bugs in how an interrupted copy is gone on with. */
export const COPY_MUTANTS: readonly Mutant[] = [
  {
    name: 'R1-state-of-a-batch-that-is-not-stored-yet',
    seed: 5,
    why: 'rows that only the killed process had are taken for copied',
    patches: [
      {
        file: SOURCE,
        find: 'await this.#writer.publish(appends, position, { committedAt, consistent, copy, requests });',
        replace:
          'await this.#writer.publish(appends, position, { committedAt, consistent, copy: copy && { ...copy, rows: copy.rows + 1 } });',
      },
    ],
  },
  {
    name: 'R2-goes-on-whatever-the-slot-says',
    seed: 78,
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
    seed: 1,
    why: 'rows of several moments are called one state, and a strict sink meets what it does not expect',
    patches: [{ file: CATCH_UP, find: 'batch.consistent = false;', replace: '' }],
  },
  {
    name: 'R1-idle-checkpoint-forgets-the-copy',
    seed: 2,
    why: 'a whole copy begins anew',
    patches: [
      {
        file: SOURCE,
        find: 'await this.#writer.publish([], position, { committedAt: 0, consistent, copy, requests });',
        replace: 'await this.#writer.publish([], position, { committedAt: 0, consistent });',
      },
    ],
  },
  {
    name: 'R1-range-done-as-it-is-handed-out',
    seed: 1,
    why: "what a killed reader had not read is in nobody's range any more",
    patches: [
      { file: WORK_LIST, find: 'if (chunk !== undefined) this.#busy.add(chunk);', replace: '' },
      { file: WORK_LIST, find: 'this.#busy.add(first);', replace: '' },
    ],
  },
  {
    name: 'R3-consistent-at-the-first-point',
    seed: 1,
    why: 'rows that were deleted between two snapshots are there still',
    patches: [{ file: WORK_LIST, find: 'this.#point = point;', replace: 'this.#point = before?.point ?? point;' }],
  },
  {
    name: 'R3-stream-from-the-last-point',
    seed: 1,
    why: 'what was deleted between two snapshots is told by nobody',
    patches: [
      {
        file: CATCH_UP,
        find: 'new Map(newer.flatMap(({ point, relations }) => relations.map((id) => [id, positionToLsn(point)] as const)))',
        replace:
          'new Map(newer.flatMap(({ point }) => [16384, 16385, 16386].map((id) => [id, positionToLsn(point)] as const)))',
      },
    ],
  },
  {
    name: 'R4-key-changes-stay-incomplete',
    seed: 2,
    why: 'a row that left a range before it was read lacks its large values, or itself',
    patches: [{ file: CATCH_UP, find: 'if (incomplete.length > 0) {', replace: 'if (incomplete.length > 1e9) {' }],
  },
  {
    name: 'R4-point-stays-where-it-was',
    seed: 1,
    why: 'a row that was read again as it is later is called one of this moment',
    patches: [{ file: CATCH_UP, find: 'point = Math.max(point, seen);', replace: '' }],
  },
  {
    name: 'R4-moved-keys-are-forgotten',
    seed: 14,
    why: 'a key change takes along the values of a row that has the key later',
    patches: [
      {
        file: MOVED_KEYS,
        find: 'return lsn < (this.#until.get(nameOf(batch, table, batch.before[change] as number)) ?? 0);',
        replace: 'return false;',
      },
    ],
  },
  {
    name: 'R4-moved-keys-are-forgotten-within-a-batch',
    seed: 529,
    why: 'the same, right behind the point',
    patches: [{ file: CATCH_UP, find: 'end = Number.POSITIVE_INFINITY;', replace: '' }],
  },
  {
    name: 'R5-rows-without-key-twice',
    seed: 1,
    why: 'the stream adds what the newer snapshot has shown',
    patches: [{ file: CATCH_UP, find: '    leaveOut(batch, known);', replace: '' }],
  },
  {
    name: 'R5-half-a-table-without-key-stays',
    seed: 12,
    why: 'rows that were copied before the kill are copied once more',
    patches: [
      {
        file: WORK_LIST,
        find: '(place >= this.#begun || isOpen.has(place))',
        replace: 'place >= this.#begun',
      },
    ],
  },
  {
    name: 'R5-point-of-the-newer-copy-is-not-stored',
    seed: 1,
    why: 'after the next kill the stream adds what the snapshot has shown',
    patches: [
      {
        file: WORK_LIST,
        find: 'return again.length === 0 ? kept : [...kept, { point, relations: again }];',
        replace: 'return kept;',
      },
    ],
  },
];
