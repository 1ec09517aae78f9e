import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

/** Runs the harness on the sources as they are, and returns what it printed and its exit code. */
async function ddl(...args: string[]): Promise<{ output: string; code: number | null }> {
  const run = fileURLToPath(new URL('run.mjs', import.meta.url));
  const child = spawn(process.execPath, [run, '--from-source', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill()); // when the time is over: it then ends its servers
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { output, code };
}

test('DDL statements in the middle of load arrive in their places, though the daemon is killed', async () => {
  const { output, code } = await ddl('--short', '--kills', '1', '--writers', '2');
  expect(output).toMatch(/\n(\d+) of \1 DDL statements replayed, replica equals source: \d+ tables, \d+ rows\n/);
  expect(code, output).toBe(0);
});

test('a replica that has lost a rename is found to differ', async () => {
  const { output, code } = await ddl('--short', '--plant', 'lost-rename', '--writers', '2');
  expect(output).toMatch(/FAILED|gave up/);
  expect(code, output).toBe(1);
});
