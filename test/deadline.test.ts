import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { endAfter } from '../src/deadline.ts';

test('it aborts with a TimeoutError', async () => {
  const signal = endAfter(1);
  await expect.poll(() => signal.aborted).toBe(true);
  expect((signal.reason as Error).name).toBe('TimeoutError');
});

test('it ends what waits for it together with another signal, though memory was collected meanwhile', () => {
  const program = `
    const endAfter = ${endAfter.toString()};
    const both = AbortSignal.any([new AbortController().signal, endAfter(200)]);
    const collecting = setInterval(() => gc(), 10);
    setTimeout(() => { clearInterval(collecting); process.stdout.write(String(both.aborted)); }, 600);`;
  expect(execFileSync(process.execPath, ['--expose-gc', '--eval', program], { encoding: 'utf8' })).toBe('true');
});

test('nobody uses what Node.js 20 forgets', () => {
  const root = join(import.meta.dirname, '..', 'src');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const uses = files.filter((file) => readFileSync(join(root, file), 'utf8').includes('AbortSignal.timeout('));
  expect(uses).toEqual([]);
});
