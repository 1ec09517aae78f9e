import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fuzz, type Verdict } from './fuzz.ts';
import { parseOptions } from './options.ts';
import { PLANTED } from './planted.ts';
import { compileProgram } from './program.ts';
import { shrinkBytes } from './shrink.ts';
import { TARGETS } from './targets.ts';

/** They open files, or answer requests: fewer inputs are enough for a look at each commit. */
const SLOW: readonly string[] = [
  'embedded-segments',
  'embedded-catalog',
  'embedded-releases',
  'rest-requests',
  'registry-bodies',
  'connector-files',
  'worker-files',
];

let folder = '';
let program = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rowcast-fuzz-'));
  program = await compileProgram(join(import.meta.dirname, '../..'), folder);
});

afterAll(async () => await rm(folder, { recursive: true, force: true }));

async function verdicts(
  targets: readonly string[],
  runs: number,
  patienceMs = 30_000,
  shrinkMs = 0,
): Promise<readonly Verdict[]> {
  const all: Verdict[] = [];
  const fuzzing = { program, targets, seed: 20_261_122, runs, forMs: 600_000, patienceMs, shrinkMs };
  for await (const verdict of fuzz(fuzzing, new AbortController().signal)) all.push(verdict);
  return all;
}

/** Processes are started and ended: a machine that is busy takes its time. */
const TIMEOUT_MS = 240_000;

test('no decoder crashes, hangs or takes memory without bounds', { timeout: TIMEOUT_MS }, async () => {
  const quick = TARGETS.map(({ name }) => name).filter((name) => !SLOW.includes(name));
  const all = [...(await verdicts(quick, 500)), ...(await verdicts(SLOW, 80))];
  expect(all.map(({ target }) => target).toSorted()).toEqual(TARGETS.map(({ name }) => name).toSorted());
  expect(all.filter(({ failure }) => failure !== undefined)).toEqual([]);
});

test('a crash, a hang and a decoder that takes too much are each told of, with the input', {
  timeout: TIMEOUT_MS,
}, async () => {
  const isQuick = (name: string): boolean => !['planted-hang', 'planted-crash'].includes(name);
  const others = PLANTED.map(({ name }) => name).filter(isQuick);
  const crash = await verdicts(['planted-crash'], 3000, 30_000, 2000);
  const told = [...crash, ...(await verdicts(['planted-hang'], 3000, 600)), ...(await verdicts(others, 3000))];
  const kinds = told.map(({ target, failure }) => [target, failure?.kind]);
  expect(kinds).toEqual([
    ['planted-crash', 'crash'],
    ['planted-hang', 'hang'],
    ['planted-wrong-error', 'crash'],
    ['planted-overflow', 'crash'],
    ['planted-buffer', 'memory'],
    ['planted-objects', 'memory'],
    ['planted-rejection', 'crash'],
  ]);
  expect(crash[0]?.failure?.input.length).toBeGreaterThan(0);
  expect(crash[0]?.failure?.shrunk).toEqual(Buffer.alloc(0));
});

test('an input is made as small as it can be', async () => {
  const input = Buffer.from('some bytes with a needle and a thread in them');
  const fails = async (bytes: Buffer): Promise<boolean> => bytes.includes('needle') && bytes.includes('thread');
  const shrunk = await shrinkBytes(input, fails, () => false);
  expect(shrunk.toString()).toBe('needlethread');
});

test('a command line that makes no sense is refused', () => {
  expect(() => parseOptions(['--target', 'nothing'])).toThrow('There is no target nothing');
  expect(() => parseOptions(['--runs', '1', '--seconds', '1'])).toThrow('Either --runs or --seconds');
  expect(() => parseOptions(['--input', '00'])).toThrow('--input needs one --target');
  expect(() => parseOptions(['--runs', '0'])).toThrow('--runs is a whole number');
  expect(parseOptions(['--help'])).toBeUndefined();
});
