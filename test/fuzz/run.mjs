// Starts the replica fuzzer from plain node: bundles main.ts into a temporary folder and runs it there.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build as esbuild } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const { resolve } = createRequire(import.meta.url);
const folder = await mkdtemp(join(tmpdir(), 'rowcast-fuzz-'));
try {
  const outfile = join(folder, 'main.mjs');
  await esbuild({
    entryPoints: [join(here, 'main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
    sourcemap: 'inline',
    plugins: [{ name: 'in place', setup: inPlace }],
  });
  const { main } = await import(pathToFileURL(outfile).href);
  process.exitCode = await main(process.argv.slice(2));
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Packages stay where they are installed, and modules believe that they are where they were written: some look for files from there. */
function inPlace(build) {
  build.onResolve({ filter: /^[^.]/ }, ({ path, kind }) =>
    kind === 'entry-point' || path.startsWith('node:')
      ? undefined
      : { path: pathToFileURL(esmEntry(path)).href, external: true },
  );
  build.onLoad({ filter: /\.ts$/ }, async ({ path }) => ({
    contents: (await readFile(path, 'utf8')).replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)),
    loader: 'ts',
  }));
}

/** The harness of the pipeline's tests uses vitest's `expect`, and vitest refuses to be required. */
function esmEntry(path) {
  return path === 'vitest' ? join(resolve('vitest/package.json'), '../dist/index.js') : resolve(path);
}
