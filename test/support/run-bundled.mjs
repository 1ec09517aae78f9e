// Runs a harness from plain node: bundles its main.ts into a temporary folder and calls `main` there.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { resolve } = createRequire(import.meta.url);

/**
 * Calls `main(root, args)` of the main.ts that lies beside the module at `url`, and makes its result the exit code. `--from-source` among the
 * arguments becomes `--main` with what src/ compiles to now.
 */
export async function runBundled(url) {
  const folder = await mkdtemp(join(tmpdir(), 'rowcast-harness-'));
  // Inside the project, so that packages are found.
  const compiled = join(root, '.cache', `service-${process.pid}`);
  try {
    const args = process.argv.slice(2);
    const at = args.indexOf('--from-source');
    if (at >= 0) args.splice(at, 1, '--main', await compile(compiled));
    const { main } = await import(pathToFileURL(await bundle(fileURLToPath(new URL('main.ts', url)), folder)).href);
    process.exitCode = await main(root, args);
  } finally {
    for (const made of [folder, compiled]) await rm(made, { recursive: true, force: true });
  }
}

/** The service has programs for its threads, so it is not one file. */
async function compile(outDir) {
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  await promisify(execFile)(tsc, ['-p', join(root, 'tsconfig.build.json'), '--outDir', outDir]);
  return join(outDir, 'main.js');
}

/** Bundles what begins at `entry` into a file of the folder, and returns its path. */
export async function bundle(entry, folder, name = 'main.mjs') {
  const outfile = join(folder, name);
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
    sourcemap: 'inline',
    plugins: [{ name: 'in place', setup: inPlace }],
  });
  return outfile;
}

/** Packages stay where they are installed, and modules believe that they are where they were written: some look for files from there. */
function inPlace({ onResolve, onLoad }) {
  onResolve({ filter: /^[^.]/ }, ({ path, kind }) =>
    kind === 'entry-point' || path.startsWith('node:')
      ? undefined
      : { path: pathToFileURL(esmEntry(path)).href, external: true },
  );
  onLoad({ filter: /\.(?:ts|mjs)$/ }, async ({ path }) => ({
    contents: (await readFile(path, 'utf8'))
      .replaceAll(/import\.meta\.url/g, JSON.stringify(pathToFileURL(path).href))
      .replaceAll(/import\.meta\.dirname/g, JSON.stringify(dirname(path))),
    loader: 'ts',
  }));
}

/** The harness of the pipeline's tests uses vitest's `expect`, and vitest refuses to be required. */
function esmEntry(path) {
  return path === 'vitest' ? join(resolve('vitest/package.json'), '../dist/index.js') : resolve(path);
}
