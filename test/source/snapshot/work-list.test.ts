import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CopyState, isWhole } from '../../../src/change/copy-state.ts';
import { type Chunk, WorkList } from '../../../src/source/snapshot/work-list.ts';

const POINT = '0000000000000064';
const LATER = '00000000000000C8';
const TABLES = [
  { relationId: 10, hasKey: true },
  { relationId: 20, hasKey: false },
  { relationId: 30, hasKey: true },
];
/** Keys of a table are 1 to this; chunks are cut at keys. */
const KEYS = 40;

test('hands out tables in their order, and says what is left of those that were begun', () => {
  const work = new WorkList(TABLES, 'f', POINT);
  const first = work.cut(work.take() as Chunk, ['7']);
  const second = work.cut(work.take() as Chunk, ['12']);
  work.done(second, 5);
  expect(work.state()).toEqual({
    fingerprint: 'f',
    point: POINT,
    begun: 1,
    tables: 3,
    open: [
      {
        table: 0,
        ranges: [
          { from: null, to: ['7'] },
          { from: ['12'], to: null },
        ],
      },
    ],
    newer: [],
    rows: 5,
  });
  work.done(first, 7);
  expect(work.tablesDone).toBe(0);
  work.done(work.take() as Chunk, 28);
  expect([work.tablesDone, work.rows]).toEqual([1, 40]);
});

test('a newer snapshot copies whole, again, what has no key and was not finished', () => {
  const before = new WorkList(TABLES, 'f', POINT);
  before.done(before.take() as Chunk, 1);
  before.take();
  const work = new WorkList(TABLES, 'f', LATER, before.state());
  expect(work.again).toEqual([1]);
  expect(work.take()).toEqual({ table: 1, range: { from: null, to: null } });
  expect(work.state().newer).toEqual([{ point: LATER, relations: [20] }]);
  const last = new WorkList(TABLES, 'f', '000000000000012C', work.state());
  expect(last.state().newer).toEqual([{ point: '000000000000012C', relations: [20] }]);
});

test('a table without key that was finished keeps the point of its own snapshot', () => {
  const before = new WorkList(TABLES, 'f', POINT);
  for (let i = 0; i < 2; i++) before.done(before.take() as Chunk, 1);
  const work = new WorkList(TABLES, 'f', LATER, before.state());
  expect([work.again, work.state().newer]).toEqual([[], []]);
});

test('however it is cut and killed, every key is done once, and at most what was busy is read again', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 1000 }), { maxLength: 200 }), (choices) => {
      const stored = TABLES.map(() => new Set<number>());
      let work = new WorkList(TABLES, 'f', POINT);
      let state: CopyState = work.state();
      let busy: Chunk[] = [];
      const finish = (chunk: Chunk): void => {
        for (const key of keysOf(chunk)) {
          expect(stored[chunk.table]?.has(key)).toBe(false);
          stored[chunk.table]?.add(key);
        }
        work.done(chunk, keysOf(chunk).length);
        state = JSON.parse(JSON.stringify(work.state())) as CopyState;
      };
      for (const choice of choices) {
        if (choice % 10 === 0) {
          busy = [];
          work = new WorkList(TABLES, 'f', LATER, state);
        } else if (choice % 3 === 0 && busy.length > 0) {
          finish(busy.splice(choice % busy.length, 1)[0] as Chunk);
        } else {
          const chunk = work.take();
          if (chunk) busy.push(cutAt(work, chunk, choice % KEYS));
        }
      }
      for (;;) {
        const chunk = busy.pop() ?? work.take();
        if (chunk === undefined) break;
        finish(chunk);
      }
      expect([isWhole(state), work.isDone, work.tablesDone]).toEqual([true, true, 3]);
      expect(stored.map(({ size }) => size)).toEqual([KEYS, KEYS, KEYS]);
    }),
    { numRuns: 500 },
  );
});

function cutAt(work: WorkList, chunk: Chunk, key: number): Chunk {
  const { from, to } = chunk.range;
  const hasKey = TABLES[chunk.table]?.hasKey === true;
  return hasKey && to === null && key > Number(from?.[0] ?? 0) ? work.cut(chunk, [String(key)]) : chunk;
}

function keysOf({ range: { from, to } }: Chunk): number[] {
  const [low, high] = [Number(from?.[0] ?? 0), Number(to?.[0] ?? KEYS)];
  return Array.from({ length: high - low }, (_, i) => low + 1 + i);
}
