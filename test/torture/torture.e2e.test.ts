import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

/** Runs the harness on the sources as they are, and returns what it printed and its exit code. */
async function torture(...args: string[]): Promise<{ output: string; code: number | null }> {
  const run = fileURLToPath(new URL('run.mjs', import.meta.url));
  const child = spawn(process.execPath, [run, '--from-source', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill()); // when the time is over: it then ends its servers
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { output, code };
}

test('a service that is killed again and again loses, duplicates and tears nothing', { timeout: 230_000 }, async () => {
  const { output, code } = await torture('--kills', '6', '--log', 'embedded', '--seed', '1');
  expect(output).toContain('\n6 kills, 0 lost, 0 duplicated, 0 torn\n');
  expect(code, output).toBe(0);
});

test.each(['query', 'trigger'])(
  'neither does one that captures another way: %s',
  { timeout: 230_000 },
  async (source) => {
    const { output, code } = await torture('--source', source, '--kills', '2', '--log', 'embedded', '--seed', '1');
    expect(output).toContain('\n2 kills, 0 lost, 0 duplicated, 0 torn\n');
    expect(code, output).toBe(0);
  },
);
