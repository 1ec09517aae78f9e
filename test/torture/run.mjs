// Starts the torture harness, or the one that --entry names, from plain node: bundles main.ts into a temporary folder and runs it there. What it tortures is dist/main.js,
// or with --from-source what src/ compiles to now.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build as esbuild } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const { resolve } = createRequire(import.meta.url);
const root = join(here, '../..');
/** Inside the project, so that packages are found. */
const compiled = join(root, '.cache', `torture-${process.pid}`);
const folder = await mkdtemp(join(tmpdir(), 'rowcast-torture-bundle-'));
try {
  const args = process.argv.slice(2);
  if (args.includes('--from-source')) {
    args.splice(args.indexOf('--from-source'), 1, '--main', await compile());
  }
  const [, entry = 'main.ts'] = args.includes('--entry') ? args.splice(args.indexOf('--entry'), 2) : [];
  const { main } = await import(pathToFileURL(await bundle(entry, 'main.mjs')).href);
  process.exitCode = await main(root, args);
} finally {
  for (const made of [folder, compiled]) await rm(made, { recursive: true, force: true });
}

/** The service has programs for its threads, so it is not one file. */
async function compile() {
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  await promisify(execFile)(tsc, ['-p', join(root, 'tsconfig.build.json'), '--outDir', compiled]);
  return join(compiled, 'main.js');
}

async function bundle(entry, name) {
  const outfile = join(folder, name);
  await esbuild({
    entryPoints: [join(here, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
    plugins: [{ name: 'in place', setup: inPlace }],
  });
  return outfile;
}

/** Packages stay where they are installed, and modules believe that they are where they were written: some look for files from there. */
function inPlace(build) {
  build.onResolve({ filter: /^[^.]/ }, ({ path, kind }) =>
    kind === 'entry-point' || path.startsWith('node:')
      ? undefined
      : { path: pathToFileURL(resolve(path)).href, external: true },
  );
  build.onLoad({ filter: /\.ts$/ }, async ({ path }) => ({
    contents: (await readFile(path, 'utf8')).replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)),
    loader: 'ts',
  }));
}
