import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

/** Runs the test on the sources as they are, and returns what it printed and its exit code. */
async function giant(...args: string[]): Promise<{ output: string; code: number | null }> {
  const run = fileURLToPath(new URL('run.mjs', import.meta.url));
  const child = spawn(process.execPath, [run, '--from-source', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill()); // when the time is over: it then ends its servers
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { output, code };
}

test('a giant transaction arrives whole, at once and in bounded memory, though the daemon is killed half-way', async () => {
  const { output, code } = await giant('--rows', '200000', '--kill', '--memory', '512');
  expect(output).toMatch(/killed when the source has published \d+ %/);
  expect(output).toMatch(/killed when the replica has stored \d+ %/);
  expect(output).toContain('replica equals source: 200000 rows\ntarget transactions: 1\n');
  expect(code, output).toBe(0);
});
