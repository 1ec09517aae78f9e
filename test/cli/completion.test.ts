import { execFileSync } from 'node:child_process';
import { afterEach, expect, test, vi } from 'vitest';
import { run } from '../../src/cli/run.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

async function scriptFor(shell: string): Promise<string> {
  let out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true));
  expect(await run(['completion', shell], {})).toBe(0);
  vi.restoreAllMocks();
  return out;
}

/** What bash offers for the last word of a line. */
function offered(script: string, ...words: readonly string[]): string[] {
  const line = ['rowcast', ...words].map((word) => `'${word}'`).join(' ');
  const ask = `${script}\nCOMP_WORDS=(${line})\nCOMP_CWORD=${words.length}\n_rowcast\nprintf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', ask], { encoding: 'utf8' }).trim().split('\n');
}

test('bash completes commands, their own commands, and their options', async () => {
  const script = await scriptFor('bash');
  expect(offered(script, 're')).toEqual(['resume', 'restart']);
  expect(offered(script, 'offsets', 'a')).toEqual(['accept']);
  expect(offered(script, 'offsets', 'accept', 'shop', '--f')).toEqual(['--from-now']);
  expect(offered(script, 'tail', 'a.topic', '--no')).toEqual(['--no-follow']);
});

test('the version comes with what it runs on, for people and programs', async () => {
  const out = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  expect(await run(['version'], {})).toBe(0);
  expect(await run(['version', '--json'], {})).toBe(0);
  const [text, json] = out.mock.calls.map(([written]) => String(written));
  expect(text).toMatch(/^\d+\.\d+\.\d+ \(Node v/);
  expect(JSON.parse(json ?? '')).toMatchObject({ rowcast: text?.split(' ')[0], node: process.version });
});

test('zsh and fish get what they understand', async () => {
  expect(await scriptFor('zsh')).toMatch(/^#compdef rowcast\n/);
  const fish = await scriptFor('fish');
  expect(fish).toContain(`complete -c rowcast -n '__fish_use_subcommand' -f -a tail -d `);
  expect(fish).toContain(`-n '__fish_seen_subcommand_from offsets; and __fish_seen_subcommand_from reset' -l yes`);
});
