import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import type { Results } from '../../bench/measurement.ts';

/** Measures the sources as they are, and returns what was printed, the exit code and the results. */
async function bench(...args: string[]): Promise<{ output: string; code: number | null; results: Results }> {
  const folder = await mkdtemp(join(tmpdir(), 'rowcast-bench-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const run = fileURLToPath(new URL('../../bench/run.mjs', import.meta.url));
  const out = join(folder, 'results.json');
  const child = spawn(process.execPath, [run, '--from-source', '--out', out, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill()); // when the time is over: it then ends its servers
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { output, code, results: JSON.parse(await readFile(out, 'utf8')) as Results };
}

const TIMEOUT_MS = 600_000;

test('a phase moves all rows, equal, and is compared with others', { timeout: TIMEOUT_MS }, async () => {
  const options = ['--workloads', 'W2', '--rows', '2000', '--repeat', '1', '--log', 'embedded', '--against', 'native'];
  const { output, code, results } = await bench('--phases', 'source,end-to-end', ...options);
  expect(code, output).toBe(0);
  const runs = results.runs.filter(({ contestant }) => contestant !== 'native');
  expect(runs.map(({ phase, rows, isEqual }) => [phase, rows, isEqual])).toEqual([
    ['source', 2001, undefined],
    ['end-to-end', 2001, true],
  ]);
  expect(output).toMatch(/^ratio W2 end-to-end native \d+\.\d\d/m);
});
