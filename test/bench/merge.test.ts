import { expect, test } from 'vitest';
import type { Results } from '../../bench/measurement.ts';
import { mergeResults } from '../../bench/report/merge.ts';

function results(command: string, repeat: number, more: object = {}): Results {
  const conditions = {
    command,
    commit: 'abc',
    processor: 'P',
    cores: 2,
    system: 'S',
    versions: { node: '20' },
    ...more,
  };
  return { conditions, repeat, runs: [{ contestant: command }] } as unknown as Results;
}

test('results of several calls become one with all commands, commits, versions and runs', () => {
  const merged = mergeResults([
    results('one', 3),
    results('two', 2, { commit: 'def', versions: { node: '20', kafka: '4' } }),
  ]);
  expect(merged.conditions).toMatchObject({
    command: 'one\ntwo',
    commit: 'abc, def',
    versions: { node: '20', kafka: '4' },
  });
  const runs = merged.runs.map(({ contestant, call }) => [contestant as string, call]);
  expect([merged.repeat, runs]).toEqual([
    2,
    [
      ['one', 0],
      ['two', 1],
    ],
  ]);
});

test('results of different machines are not put side by side', () => {
  expect(() => mergeResults([results('one', 3), results('two', 3, { cores: 8 })])).toThrow('different machines');
});
