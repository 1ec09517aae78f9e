import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
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

interface TsConfig {
  readonly compilerOptions: object;
}

function kitOf(claims: string): string {
  return `
    import { sourceConformance, type ConformancePlace, type Source, type SourceKit } from 'rowcast/conformance';
    import { openEmbeddedLog } from 'rowcast/embedded-log';
    declare const create: () => Source;
    export const kit: SourceKit = { name: 'own', claims: { ${claims} }, create, async uninstall() {} };
    const server = { host: '127.0.0.1', port: 5432, user: 'u', database: 'd', sslmode: 'disable' } as const;
    const place: ConformancePlace = { source: server, replica: server, effort: 'long', openLog: () => openEmbeddedLog('log') };
    for await (const { property, seen, error } of sourceConformance(kit, place)) console.log(property, error ?? seen);
  `;
}

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

test('the package holds the program with its types, connectors, schemas, documents and deployment, and no tests or maps', () => {
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
  expect(files.filter((path) => /\.map$|(?<!\.d)\.tsx?$/.test(path))).toEqual([]);
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

test('a source kit of somebody else is checked against the types of the package', async () => {
  const { compilerOptions } = JSON.parse(await readFile(join(root, 'tsconfig.json'), 'utf8')) as TsConfig;
  const typeRoots = [join(root, 'node_modules', '@types')];
  const own = { ...compilerOptions, rootDir: undefined, typeRoots, skipLibCheck: false };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: own, files: ['kit.mts'] }));
  const compile = async (claims: string): Promise<string> => {
    await writeFile(join(folder, 'kit.mts'), kitOf(claims));
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const failed = (error: { stdout: string }): { stdout: string } => error;
    return (await promisify(execFile)(process.execPath, [tsc], { cwd: folder }).catch(failed)).stdout;
  };
  const claims = `operations: ['insert'], tells: 'changes', keyless: false, repeats: false, maxBatchBytes: 65536`;
  expect(await compile(claims)).toBe('');
  expect(await compile(claims.replace('insert', 'upsert'))).toContain(`'"upsert"' is not assignable`);
});

test('every command of the installed package says how it is used', async () => {
  const help = await rowcast('--help');
  const commands = [...help.matchAll(/^ {2}([a-z]+)(?: \[| <| {2,})/gm)].map((match) => match[1] as string);
  expect(commands).toEqual(expect.arrayContaining(['start', 'demo']));
  for (const command of commands.filter((name) => name !== 'help')) {
    expect(await rowcast(command, '--help')).toContain(`rowcast ${command}`);
  }
});

test('the torture of the installed package kills it, and proves that nothing was lost', async () => {
  expect(await rowcast('torture', '--kills', '4', '--log', 'embedded')).toMatch(
    /^4 kills, 0 lost, 0 duplicated, 0 torn$/m,
  );
});

test('the demo of the installed package replicates and proves it', async () => {
  expect(await rowcast('demo', '--seconds', '2', '--rate', '100')).toMatch(/^replica equals source: 6 tables/m);
});
