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
  shrinkMs = 300,
): Promise<readonly Verdict[]> {
  const all: Verdict[] = [];
  const fuzzing = { program, targets, seed: 20_261_122, runs, forMs: 600_000, patienceMs, shrinkMs };
  for await (const verdict of fuzz(fuzzing, new AbortController().signal)) all.push(verdict);
  return all;
}

test('no decoder crashes, hangs or takes memory without bounds', async () => {
  const quick = TARGETS.map(({ name }) => name).filter((name) => !SLOW.includes(name));
  const all = [...(await verdicts(quick, 1000)), ...(await verdicts(SLOW, 150))];
  expect(all.map(({ target }) => target).toSorted()).toEqual(TARGETS.map(({ name }) => name).toSorted());
  expect(all.filter(({ failure }) => failure !== undefined)).toEqual([]);
});

test('a crash, a hang and a decoder that takes too much are each told of, with the input', async () => {
  const others = PLANTED.map(({ name }) => name).filter((name) => name !== 'planted-hang');
  const hang = await verdicts(['planted-hang'], 3000, 600);
  const told = [...hang, ...(await verdicts(others, 3000))];
  const kinds = told.map(({ target, failure }) => [target, failure?.kind]);
  expect(kinds).toEqual([
    ['planted-hang', 'hang'],
    ['planted-crash', 'crash'],
    ['planted-wrong-error', 'crash'],
    ['planted-overflow', 'crash'],
    ['planted-buffer', 'memory'],
    ['planted-objects', 'memory'],
    ['planted-rejection', 'crash'],
  ]);
  for (const { failure } of told) expect(failure?.shrunk.length).toBeLessThanOrEqual(failure?.input.length ?? -1);
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
