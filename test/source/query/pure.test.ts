import { expect, test } from 'vitest';
import { DeliveredXids } from '../../../src/source/query/delivered.ts';
import { KeyMemory } from '../../../src/source/query/key-memory.ts';
import { parentsFirst } from '../../../src/source/query/parents-first.ts';
import { fromPosition, type PollState, toPosition } from '../../../src/source/query/poll-state.ts';
import { fullXid, isFirstEpoch, isQuiet, shortXid, windowOf } from '../../../src/source/query/xid-window.ts';

const EPOCH = 2 ** 32;
const STATE: PollState = { timeline: 1, xmin: 7, xmax: 9, tables: { 16385: { shape: 's', columns: 2 } } };

test('positions grow with every poll, also beyond those of a WAL source', () => {
  expect(fromPosition(toPosition(12, STATE))).toEqual({ number: 12, state: STATE });
  expect(toPosition(255, STATE) < toPosition(256, STATE)).toBe(true);
  const wal = '00000000014F3A28';
  const { number, state } = fromPosition(wal);
  expect(state).toBeUndefined();
  expect(toPosition(number + 1, STATE) > wal).toBe(true);
  expect(() => fromPosition('next')).toThrow('Not a position');
});

test('a window begins where the oldest transaction was that the last poll did not see the end of', () => {
  expect(windowOf({ xmin: 90, xmax: 100 }, { xmin: 95, xmax: 120 })).toEqual({ from: 90, to: 120 });
  expect(windowOf({ xmin: 90, xmax: 100 }, { xmin: 90, xmax: 99 })).toBeUndefined();
  expect(windowOf({ xmin: 90, xmax: 100 }, { xmin: 90, xmax: 2 ** 31 })).toBeUndefined();
});

test('the ids of rows are placed in the window, over the end of their 32 bits too', () => {
  const window = { from: EPOCH - 5, to: EPOCH + 10 };
  expect(fullXid(shortXid(EPOCH - 5), window)).toBe(EPOCH - 5);
  expect(fullXid(3, window)).toBe(EPOCH + 3);
  expect(fullXid(10, window)).toBeUndefined();
  expect(fullXid(shortXid(EPOCH - 6), window)).toBeUndefined();
  expect([isFirstEpoch({ xmin: 1, xmax: EPOCH - 1 }), isFirstEpoch({ xmin: 1, xmax: EPOCH })]).toEqual([true, false]);
});

test('nothing was written only if nobody was writing at either end', () => {
  expect(isQuiet({ xmin: 9, xmax: 9 }, { xmin: 9, xmax: 9 })).toBe(true);
  expect(isQuiet({ xmin: 8, xmax: 9 }, { xmin: 9, xmax: 9 })).toBe(false);
  expect(isQuiet({ xmin: 9, xmax: 9 }, { xmin: 9, xmax: 10 })).toBe(false);
  expect(isQuiet({ xmin: 9, xmax: 9 }, { xmin: 10, xmax: 10 })).toBe(false);
});

test('tables come behind those that they refer to, also in circles', () => {
  const ids = (...list: number[]): { relationId: number }[] => list.map((relationId) => ({ relationId }));
  const refer = (...pairs: [number, number][]): { child: number; parent: number }[] =>
    pairs.map(([child, parent]) => ({ child, parent }));
  expect(parentsFirst(ids(1, 2, 3, 4), refer([1, 3], [3, 4], [2, 9], [2, 2]))).toEqual(ids(4, 3, 1, 2));
  expect(parentsFirst(ids(1, 2, 3), refer([1, 2], [2, 3], [3, 1]))).toEqual(ids(3, 2, 1));
});

test('transactions are remembered one by one, within bounds', () => {
  const delivered = new DeliveredXids(1000);
  for (const xid of [1000, 1001, 1007, 90_000]) delivered.add(xid);
  expect([999, 1000, 1001, 1002, 1007, 1008, 90_000].map((xid) => delivered.has(xid))).toEqual([
    false,
    true,
    true,
    false,
    true,
    false,
    true,
  ]);
  delivered.add(2 ** 40);
  expect(delivered.has(2 ** 40)).toBe(false);
});

test('keys that are gone are told once, their digest whatever their order', () => {
  const memory = new KeyMemory(100_000);
  const look = (...keys: string[]): ReturnType<ReturnType<KeyMemory['look']>['end']> => {
    const looked = memory.look(5);
    for (const key of keys) looked.see(Buffer.from(`${key}\n`));
    return looked.end();
  };
  const first = look('a', 'b', 'c');
  expect(first.gone).toBeUndefined();
  expect(look('c', 'a', 'b')).toEqual({ ...first, gone: [] });
  expect(look('c', 'd').gone).toEqual(['a\n', 'b\n']);
  expect(look('c', 'd').gone).toEqual([]);
  memory.forget(5);
  expect(look('c').gone).toBeUndefined();
});

test('keys beyond the limit are not remembered', () => {
  const memory = new KeyMemory(1_000);
  const looked = memory.look(5);
  for (let i = 0; i < 100; i++) looked.see(Buffer.from(`${i}\n`));
  expect(looked.end()).toMatchObject({ fits: false, gone: undefined, keys: { count: 100 } });
});
