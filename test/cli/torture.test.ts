import { afterEach, expect, test, vi } from 'vitest';
import { run } from '../../src/cli/run.ts';
import type { TortureRun } from '../../src/cli/torture.ts';
import { FAULT_KINDS } from '../../src/torture/faults/fault.ts';

const runTorture = vi.hoisted(() => vi.fn<(run: TortureRun) => Promise<number>>());
vi.mock('../../src/cli/torture.ts', () => ({ runTorture }));

afterEach(() => {
  vi.restoreAllMocks();
  runTorture.mockReset();
});

/** What is run for a command line. */
async function asked(...args: string[]): Promise<TortureRun | undefined> {
  runTorture.mockResolvedValue(0);
  expect(await run(['torture', ...args], {})).toBe(0);
  return runTorture.mock.calls[0]?.[0];
}

test('without options both logs are tortured, by kills only', async () => {
  const run = await asked();
  expect(run).toMatchObject({
    source: 'wal',
    logs: ['embedded', 'kafka'],
    brokers: 1,
    kills: 50,
    rounds: 1,
    keep: false,
    main: undefined,
  });
  expect(run?.faults.size).toBe(0);
  expect(run?.seed).toBeGreaterThanOrEqual(0);
});

test('options say what is done', async () => {
  const flags = ['--source', 'query', '--kills', '12', '--seed', '3', '--keep', '--main', 'other/main.js'];
  expect(await asked(...flags, '--kafka')).toMatchObject({
    source: 'query',
    logs: ['kafka'],
    kills: 12,
    seed: 3,
    keep: true,
    main: 'other/main.js',
  });
});

test('Kafka may have three brokers', async () => {
  expect(await asked('--log', 'kafka', '--brokers', '3')).toMatchObject({ logs: ['kafka'], brokers: 3 });
});

test('kills may be divided among several first starts', async () => {
  expect(await asked('--kills', '1000', '--rounds', '10')).toMatchObject({ kills: 1000, rounds: 10 });
});

test('a run may consist of other faults alone', async () => {
  const run = await asked('--kills', '0', '--faults', 'all,cut=9', '--each', '2', '--lost', '300');
  expect(run?.kills).toBe(0);
  expect(Object.fromEntries(run?.faults ?? [])).toEqual({
    ...Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 2])),
    cut: 9,
    'lost-response': 300,
  });
});

test('the exit code is that of the run', async () => {
  runTorture.mockResolvedValue(1);
  expect(await run(['torture'], {})).toBe(1);
});

test.each<[string, string[]]>([
  ['--kills is at least 2 for each of --rounds; 0 goes with --faults', ['--kills', '0']],
  ['--kills is at least 2 for each of --rounds; 0 goes with --faults', ['--kills', '19', '--rounds', '10']],
  ['--kills is at least 2 for each of --rounds; 0 goes with --faults', ['--kills', '1', '--faults', 'cut']],
  ["argument 'many' is invalid. It must be a whole number, at least 0.", ['--kills', 'many']],
  ["argument 'flood' is invalid. There is no fault flood.", ['--faults', 'flood']],
  ['--brokers is for --log kafka', ['--log', 'embedded', '--brokers', '3']],
  ['Allowed choices are 1, 3.', ['--brokers', '2']],
  ["option '--kafka' cannot be used with option '--log <log>'", ['--kafka', '--log', 'embedded']],
  ['Allowed choices are wal, query, trigger.', ['--source', 'magic']],
])('wrong usage: %s', async (what, args) => {
  let said = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((said += String(text)), true));
  expect(await run(['torture', ...args], {})).toBe(2);
  expect(said).toContain(what);
  expect(runTorture).not.toHaveBeenCalled();
});
