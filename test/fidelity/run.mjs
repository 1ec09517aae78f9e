// Runs the fidelity table from plain node: bundles main.ts into a temporary folder and runs it there.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build as esbuild } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'rowcast-fidelity-'));
try {
  const { main } = await import(pathToFileURL(await bundle('main.ts', 'main.mjs')).href);
  process.exitCode = await main(process.argv.slice(2));
} finally {
  await rm(folder, { recursive: true, force: true });
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
      : { path: import.meta.resolve(path), external: true },
  );
  build.onLoad({ filter: /\.ts$/ }, async ({ path }) => ({
    contents: (await readFile(path, 'utf8')).replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)),
    loader: 'ts',
  }));
}
