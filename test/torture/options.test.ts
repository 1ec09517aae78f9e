import { expect, test } from 'vitest';
import { FAULT_KINDS } from '../../src/torture/faults/fault.ts';
import { countFaults, divide, divideFaults, parseFaults } from '../../src/torture/options.ts';

test('each kind of fault strikes as often as said', () => {
  const faults = (list: string, each: number): [string, number][] => [...countFaults(parseFaults(list), each)];
  expect(faults('', 5)).toEqual([]);
  expect(faults('zombie,cut=20', 2)).toEqual([
    ['zombie', 2],
    ['cut', 20],
  ]);
  expect(faults('all,walsender=1', 5)).toEqual(FAULT_KINDS.map((kind) => [kind, kind === 'walsender' ? 1 : 5]));
  expect(faults('cut=3,all', 5)).toContainEqual(['cut', 5]);
});

test('rounds have nearly the same share of kills and faults, and all of them together', () => {
  expect(divide(1000, 10)).toEqual(Array.from({ length: 10 }, () => 100));
  expect(divide(11, 4)).toEqual([3, 3, 3, 2]);
  const shares = divideFaults(countFaults(parseFaults('zombie=1,cut=5'), 1), 3);
  expect(shares.map((share) => Object.fromEntries(share))).toEqual([{ zombie: 1, cut: 2 }, { cut: 2 }, { cut: 1 }]);
});

test.each<[string, string]>([
  ['It must be a whole number, at least 1.', 'cut=none'],
  ['It must be a whole number, at least 1.', 'cut='],
  ['There is no fault flood.', 'cut,flood'],
])('refuses: %s', (what, list) => {
  expect(() => parseFaults(list)).toThrow(what);
});
