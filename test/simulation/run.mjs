// Starts the simulation from plain node: bundles main.ts into a temporary folder and runs it there.
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build as esbuild } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const { resolve } = createRequire(import.meta.url);
const folder = await mkdtemp(join(tmpdir(), 'rowcast-simulation-'));
const outfile = join(folder, 'main.mjs');
await esbuild({
  entryPoints: [join(here, 'main.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'error',
  plugins: [
    {
      name: 'installed',
      setup: (build) =>
        build.onResolve({ filter: /^[^.]/ }, ({ path, kind }) =>
          kind === 'entry-point' || path.startsWith('node:')
            ? undefined
            : { path: pathToFileURL(resolve(path)).href, external: true },
        ),
    },
  ],
});
const { main } = await import(pathToFileURL(outfile).href);
await rm(folder, { recursive: true });
process.exitCode = await main(join(here, '../..'), process.argv.slice(2));
