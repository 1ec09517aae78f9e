import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
/** What packing reads, besides `dist`, which it builds: the checkout's own is left alone. */
const PACKED_FROM = [
  'src',
  'connectors',
  'schema',
  'docs',
  'deploy',
  'tsconfig.json',
  'tsconfig.build.json',
  'package.json',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
];

let temporary: string;
/** An empty folder with the tarball installed, as a stranger has it. */
let folder: string;
let files: readonly string[];

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'rowcast-package-'));
  await chmod(temporary, 0o755); // run by root, the demo's servers run as somebody else
  const checkout = join(temporary, 'checkout');
  for (const name of PACKED_FROM) await cp(join(root, name), join(checkout, name), { recursive: true });
  await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'));
  const [packed] = JSON.parse((await npm(checkout, 'pack', '--json')).stdout) as [Packed];
  files = packed.files.map(({ path }) => path);
  folder = join(temporary, 'empty');
  await mkdir(folder);
  await npm(folder, 'install', '--prefer-offline', '--no-audit', '--no-fund', join(checkout, packed.filename));
});
afterAll(() => rm(temporary, { recursive: true, force: true }));

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** Runs npm apart from the npm that may run this test; which registry and cache it uses is the user's matter. */
async function npm(cwd: string, ...args: readonly string[]): Promise<{ readonly stdout: string }> {
  const kept = /^npm_config_(registry|cache|userconfig|globalconfig)$/;
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('npm_') || kept.test(name)),
  );
  return await promisify(execFile)('npm', args, { cwd, env, maxBuffer: 64 * 1024 * 1024 });
}

async function rowcast(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('npx', ['--no-install', 'rowcast', ...args], { cwd: folder });
  return stdout;
}

test('the package holds the program, its connectors, schemas, documents and deployment, and no tests or maps', () => {
  const expected = new Set([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'connectors',
    'deploy',
    'dist',
    'docs',
    'package.json',
    'schema',
  ]);
  expect(new Set(files.map((path) => path.split('/')[0]))).toEqual(expected);
  expect(files).toContain('dist/main.js');
  expect(files.filter((path) => /\.(map|tsx?)$/.test(path))).toEqual([]);
  // They build from a checkout.
  expect(files.filter((path) => /Dockerfile|compose/.test(path))).toEqual([]);
});

test('the installed package has what its README links to', async () => {
  const installed = join(folder, 'node_modules', 'rowcast');
  const readme = await readFile(join(installed, 'README.md'), 'utf8');
  const targets = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1] as string);
  const present = new Set((await readdir(installed, { recursive: true })).map(String));
  const onlyInTheCheckout = new Set(['CONTRIBUTING.md']);
  expect(targets.filter((path) => !present.has(path.replace(/\/$/, '')) && !onlyInTheCheckout.has(path))).toEqual([]);
});

test('every command of the installed package says how it is used', async () => {
  const help = await rowcast('--help');
  const commands = [...help.matchAll(/^ {2}([a-z]+)(?: \[| <| {2,})/gm)].map((match) => match[1] as string);
  expect(commands).toEqual(expect.arrayContaining(['start', 'demo']));
  for (const command of commands.filter((name) => name !== 'help')) {
    expect(await rowcast(command, '--help')).toContain(`rowcast ${command}`);
  }
});

test('the demo of the installed package replicates and proves it', async () => {
  expect(await rowcast('demo', '--seconds', '2', '--rate', '100')).toMatch(/^replica equals source: 6 tables/m);
});
