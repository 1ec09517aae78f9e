import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { slowdowns, Stopwatch } from '../../bench/guard/guard.ts';

const TIMEOUT_MS = 300_000;

const REFERENCE = { a: 1, b: 2, c: 3, d: 4, e: 5 };

test('a transcoder that became slower stands out from the others, on a machine that shifts all ratios as well', () => {
  const now = { a: 1.5, b: 2, c: 3, d: 4.1, e: 5 };
  expect(slowdowns(now, REFERENCE, 1.25)).toEqual([{ name: 'a', factor: 1.5 }]);
  const shifted = { a: 1.2, b: 2.4, c: 3.6, d: 4.8, e: 6 };
  expect(slowdowns({ ...shifted, c: 5.4 }, REFERENCE, 1.25)).toEqual([{ name: 'c', factor: 1.5 }]);
  expect(slowdowns(shifted, REFERENCE, 1.25)).toEqual([]);
});

test('when what all share became slow, all are', () => {
  const now = { a: 1.6, b: 3.2, c: 4.8, d: 6.4, e: 8 };
  expect(slowdowns(now, REFERENCE, 1.25).map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('what the reference does not know is told', () => {
  expect(slowdowns({ ...REFERENCE, f: 1 }, REFERENCE, 1.25)).toEqual([{ name: 'f', factor: Number.POSITIVE_INFINITY }]);
});

test('each transcoder is timed in turn with the others', () => {
  const order: string[] = [];
  const all = ['a', 'b'].map((name) => ({ name, run: () => void order.push(name) }));
  const watch = new Stopwatch(all);
  watch.measure(3);
  expect(order.slice(-6).join('')).toBe('ababab');
  expect(Object.keys(watch.ratios)).toEqual(['a', 'b']);
});

/** The code is bundled as it stands: vitest's way of importing would be slower than what users run. */
test('what users run is as fast as the reference, but for the one that was made 1.5 times slower', {
  timeout: TIMEOUT_MS,
}, async () => {
  const run = fileURLToPath(new URL('../../bench/guard/run.mjs', import.meta.url));
  const args = [run, '--slow', 'rows to COPY text=1.5', '--slow', 'rows to Avro=1.5'];
  const failed = await promisify(execFile)(process.execPath, args).catch((error: unknown) => error);
  const { stdout, stderr, code } = failed as { stdout: string; stderr: string; code?: number };
  const slower = [...stdout.matchAll(/^SLOWER: (.*) takes/gm)].map(([, name]) => name);
  expect(slower, stdout + stderr).toEqual(['rows to Avro', 'rows to COPY text']);
  expect(code).toBe(1);
});
