import { expect, test } from 'vitest';
import { FAULT_KINDS } from './faults/fault.ts';
import { parseOptions } from './options.ts';

test('kills are counted as before when no other fault is asked for', () => {
  const options = parseOptions(['--kills', '12', '--log', 'kafka', '--seed', '3']);
  expect(options).toMatchObject({ kills: 12, logs: ['kafka'], seed: 3, source: 'wal' });
  expect(options?.faults.size).toBe(0);
});

test('each kind of fault strikes as often as said', () => {
  const faults = (...args: string[]): [string, number][] => [...(parseOptions(args)?.faults ?? [])];
  expect(faults('--faults', 'zombie,cut=20', '--each', '2')).toEqual([
    ['zombie', 2],
    ['cut', 20],
  ]);
  expect(faults('--lost', '300')).toEqual([['lost-response', 300]]);
  expect(faults('--faults', 'all,walsender=1')).toEqual(
    FAULT_KINDS.map((kind) => [kind, kind === 'walsender' ? 1 : 5]),
  );
});

test.each<[string, string[]]>([
  ['--kills is a whole number, at least 2', ['--kills', '0']],
  ['--faults is a whole number, at least 1', ['--faults', 'cut=none']],
  ['There is no fault flood', ['--faults', 'flood']],
])('refuses: %s', (what, args) => {
  expect(() => parseOptions(args)).toThrow(what);
});

test('a run may consist of other faults alone', () => {
  expect(parseOptions(['--kills', '0', '--faults', 'cut'])?.kills).toBe(0);
});
