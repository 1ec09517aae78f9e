import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleSimulation } from './bundle.ts';
import { MUTANTS } from './mutants/all.ts';
import { openPool, type Pool } from './pool.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const THREADS = 2;
/** Where to look when the recorded seed does not catch a planted bug any more: the loops have changed since. */
const SEEDS = 12_000;

let clean: Pool;

beforeAll(async () => {
  clean = await openPool(ROOT, [], THREADS);
});

afterAll(async () => {
  await clean[Symbol.asyncDispose]();
});

test('hostile runs neither lose nor repeat nor tear anything, and every seed gives one trace', async () => {
  const seen = new Map<string, number>();
  const failures = await clean.run({
    from: 1,
    seeds: 300,
    twice: true,
    untilFailure: false,
    onJob: ({ counts }) => {
      for (const [what, count] of counts) seen.set(what, (seen.get(what) ?? 0) + count);
    },
  });
  expect(failures).toEqual([]);
  // Without these the runs would prove nothing.
  for (const what of [
    'crash',
    'stop',
    'reset reset',
    'reset copying',
    'copy gone on with',
    'stream to a level',
    'zombie woke',
    'source crash',
    'target lost commits',
    'slot dropped',
    'slot moved',
    'failed over',
    'other server',
    'log put back',
    'tail lost',
    'log emptied',
    'topic made again',
    'expired',
    'compacted',
    'target put back',
    'row copied while streaming',
    'row of a copy while streaming read again',
    'streaming copier killed',
    'poll',
    'quiet poll',
    'reading of events',
    'polled server crashed',
    'session taken over',
    'backend terminated',
    'sink waits for its successor',
    'sink left to the one before',
    'garbage',
    'retention',
    'stale copy',
    'produce late',
    'produce lost',
    'produce unanswered',
    'commit late',
    'commit lost',
    'commit unanswered',
    'checkpoint that counts',
    'checkpoint that does not count',
  ]) {
    expect(seen.get(what) ?? 0, what).toBeGreaterThan(0);
  }
}, 240_000);

test.each(MUTANTS)(
  '$name is caught: $why',
  async ({ seed, patches, digits }) => {
    await using pool = await openPool(ROOT, patches, THREADS);
    const search = { twice: false, untilFailure: true, digits };
    const [recorded] = await pool.run({ ...search, from: seed, seeds: 1 });
    const failure = recorded ?? (await pool.run({ ...search, from: 1, seeds: SEEDS }))[0];
    if (failure === undefined) throw new Error(`${SEEDS} seeds passed with the planted bug`);
    expect(await clean.run({ from: failure.seed, seeds: 1, twice: true, untilFailure: false })).toEqual([]);
  },
  240_000,
);

test('a patch that does not fit is an error', async () => {
  const patch = { file: 'src/pipeline/ledger.ts', find: 'no such text', replace: '' };
  await expect(bundleSimulation(ROOT, [patch])).rejects.toThrow('fits 0 places');
});
