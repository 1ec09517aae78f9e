import { afterEach, expect, test, vi } from 'vitest';
import { run } from '../../src/cli/run.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

async function helpOf(words: readonly string[]): Promise<string> {
  let out = '';
  const written = vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true));
  expect(await run([...words, '--help'], {})).toBe(0);
  written.mockRestore();
  return out;
}

/** The names below "Commands:". */
function commandsIn(help: string): string[] {
  const list = help.split('\nCommands:\n')[1]?.split('\n\n')[0] ?? '';
  return [...list.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name]) => name as string).filter((name) => name !== 'help');
}

test('the help of every command has examples that name it, and its exit codes', async () => {
  const paths: string[][] = [];
  for (const name of commandsIn(await helpOf([]))) {
    paths.push([name]);
    for (const below of commandsIn(await helpOf([name]))) paths.push([name, below]);
  }
  expect(paths.map((path) => path.join(' '))).toEqual(expect.arrayContaining(['tail', 'offsets accept', 'version']));
  for (const path of paths) {
    const help = await helpOf(path);
    const examples = help.split('\nExamples:\n')[1]?.split('\n\n')[0] ?? '';
    expect(examples, path.join(' ')).toContain(`rowcast ${path.join(' ')}`);
    expect(help, path.join(' ')).toMatch(/exit codes?\b/i);
  }
});

test('examples use options that there are', async () => {
  for (const path of [
    ['start'],
    ['status'],
    ['check'],
    ['demo'],
    ['torture'],
    ['offsets', 'accept'],
    ['snapshot'],
    ['delete'],
  ]) {
    const [options = '', examples = ''] = (await helpOf(path)).split('\nExamples:\n');
    for (const [option] of examples.split('\n\n')[0]?.matchAll(/--[a-z-]+/g) ?? []) {
      if (option === '--listeners' || option === '--json' || options.includes(option)) continue;
      expect.fail(`rowcast ${path.join(' ')} has no ${option}`);
    }
  }
});
