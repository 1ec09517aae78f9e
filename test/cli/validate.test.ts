import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { run } from '../../src/cli/run.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rowcast-validate-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const SINK = {
  'connector.class': 'PostgresSink',
  'connection.url': 'jdbc:postgresql://replica:5432/shop',
  'connection.username': 'u',
  'topic.prefix': 'shop',
};

async function put(name: string, config: object): Promise<string> {
  const file = join(folder, `${name}.json`);
  await writeFile(file, JSON.stringify({ name, config }));
  return file;
}

async function validate(...args: readonly string[]): Promise<{ code: number; out: string }> {
  let out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((out += String(text)), true));
  const code = await run(['validate', ...args], {});
  vi.restoreAllMocks();
  return { code, out };
}

test('files that can be used are said to be, with warnings', async () => {
  const file = await put('replica', { ...SINK, 'auto.creat': 'true' });
  const { code, out } = await validate(file);
  expect(code).toBe(0);
  expect(out).toMatch(new RegExp(`^${file}: replica can be used\n  warning: .*auto.creat.*auto.create`));
});

test('problems of every file of a directory are printed, those that two files have together as well', async () => {
  await put('a', { ...SINK, 'topic.prefix': undefined });
  await put('b', { ...SINK, name: 'twice' });
  const { code, out } = await validate(folder, '--json');
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject([
    { name: 'a', problems: ['topic.prefix is required: it says which source to replay'] },
    { name: 'b', problems: [expect.stringContaining('name is "b" beside config and "twice" in it')] },
  ]);
});

test('a file that does not exist is a wrong name, and none at all is no success', async () => {
  expect(await validate(join(folder, 'no.json'))).toMatchObject({
    code: 1,
    out: expect.stringContaining('no.json does not exist') as unknown,
  });
  expect(await validate(folder)).toEqual({ code: 1, out: 'There are no connector files.\n' });
});
