import { expect, test } from 'vitest';
import type { Run } from '../cli/command.ts';
import { commandInFolder } from '../cli/command-in-folder.ts';

const command = commandInFolder();

/** On the embedded log; settings of somebody's daemon are not for the one that is killed. */
function torture(...args: string[]): Run {
  return command.run(['torture', '--log', 'embedded', ...args], { ROWCAST_BOOTSTRAP_SERVERS: '127.0.0.1:1' });
}

async function expectNothingLeft(): Promise<void> {
  await expect.poll(() => command.left(), { timeout: 10_000 }).toEqual([]);
}

test('a service that is killed again and again loses, duplicates and tears nothing', { timeout: 230_000 }, async () => {
  const { output, code } = await torture('--kills', '6', '--seed', '1').ended;
  expect(output).toContain('\n6 kills, 0 lost, 0 duplicated, 0 torn\n');
  expect(code, output).toBe(0);
  await expectNothingLeft();
});

test.each(['query', 'trigger'])(
  'neither does one that captures another way: %s',
  { timeout: 230_000 },
  async (source) => {
    const { output, code } = await torture('--source', source, '--kills', '2', '--seed', '1').ended;
    expect(output).toContain('\n2 kills, 0 lost, 0 duplicated, 0 torn\n');
    expect(code, output).toBe(0);
  },
);

test('Ctrl-C ends it early and leaves nothing behind', async () => {
  const run = torture('--kills', '1000', '--seed', '1');
  await expect.poll(run.output, { timeout: 120_000 }).toMatch(/^ {2}1 {2}SIGKILL/m);
  run.process.kill('SIGINT');
  const { output, code } = await run.ended;
  expect(output).toMatch(/\nstopped\n$/);
  expect(code).toBe(1);
  await expectNothingLeft();
});
