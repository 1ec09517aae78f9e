import { expect, inject, test } from 'vitest';
import { fuzz, type Verdict } from './fuzz.ts';
import type { Plant } from './plant.ts';

const lines: string[] = [];

async function run(seed: number, rounds: number, plant?: Plant): Promise<Verdict> {
  lines.length = 0;
  const print = (line: string): void => void lines.push(line);
  const options = { server: inject('postgres'), seed, rounds, first: 1, plant, goOn: false, print };
  return await fuzz({ ...options, shrinkMs: 0, patienceMs: 30_000 }, new AbortController().signal);
}

test('the replica equals the source after random statements', async () => {
  const { rounds, failed } = await run(1, 3);
  expect(failed, lines.join('\n')).toEqual([]);
  expect(rounds).toBe(3);
});

test('a planted bug is noticed', async () => {
  const { failed } = await run(1, 8, 'drop-update');
  expect(failed).toHaveLength(1);
  expect(lines.at(-1)).toMatch(/^FAILED {2}seed 1, round \d+: /);
});
