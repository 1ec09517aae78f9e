import { readFile, mkdtemp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build as esbuild, type Plugin } from 'esbuild';

/** A change to one module's text: `find` must stand in it exactly once. */
export interface Patch {
  /** Below the project's root. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** Sizes that make rare paths frequent (checkpoints in several parts, histories read in several windows), and small buffers. */
const SCALED: readonly Patch[] = [
  { file: 'src/log/protocol/records.ts', find: 'const PART_BYTES = 512 * 1024', replace: 'const PART_BYTES = 4 * 64' },
  { file: 'src/pipeline/ledger.ts', find: 'const FIRST_WINDOW = 200', replace: 'const FIRST_WINDOW = 8' },
  { file: 'src/pipeline/ledger.ts', find: 'new RecordSetWriter(now)', replace: 'new RecordSetWriter(now, 500)' },
  { file: 'src/pipeline/ownership.ts', find: 'const QUIET_MS = 30_000', replace: 'const QUIET_MS = 12_000' },
  {
    file: 'src/pipeline/sink-loop.ts',
    find: 'const FIRST_GROUP_RECORDS = 500',
    replace: 'const FIRST_GROUP_RECORDS = 4',
  },
  { file: 'src/pipeline/sink-loop.ts', find: 'const RELEASE_MS = 10_000', replace: 'const RELEASE_MS = 2_000' },
  { file: 'src/log/record-set.ts', find: 'size = 64 * 1024', replace: 'size = 256' },
  {
    file: 'src/change/batch.ts',
    find: 'changes: number = 256, cells: number = 2048, bytes: number = 64 * 1024',
    replace: 'changes: number = 8, cells: number = 16, bytes: number = 64',
  },
];

/**
 * Bundles the simulation with the modules of `src/` as they are, but for `SCALED` and `patches`, and returns the bundle's path.
 * `root` is the project's folder. Throws when a patch does not fit.
 */
export async function bundleSimulation(root: string, patches: readonly Patch[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rowcast-simulation-'));
  const outfile = join(folder, 'worker.mjs');
  await esbuild({
    entryPoints: [join(root, 'test/simulation/worker.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
    plugins: [patched(root, [...SCALED, ...patches]), installed(root)],
  });
  return outfile;
}

function patched(root: string, patches: readonly Patch[]): Plugin {
  return {
    name: 'patches',
    setup: (build) => {
      const left = new Set(patches);
      build.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path }) => {
        const file = relative(root, path).replaceAll('\\', '/');
        let contents = await readFile(path, 'utf8');
        for (const patch of patches) {
          if (patch.file !== file) continue;
          const places = contents.split(patch.find).length - 1;
          if (places !== 1) throw new Error(`Patch of ${file} fits ${places} places: ${patch.find}`);
          contents = contents.replace(patch.find, () => patch.replace);
          left.delete(patch);
        }
        return { contents, loader: 'ts' };
      });
      build.onEnd(() => {
        for (const { file } of left) throw new Error(`Patch of ${file}: the simulation does not use that module`);
      });
    },
  };
}

/** Packages stay outside the bundle, named by where they are installed. */
export function installed(root: string): Plugin {
  const { resolve } = createRequire(join(root, 'package.json'));
  return {
    name: 'installed',
    setup: (build) => {
      build.onResolve({ filter: /^[^.]/ }, ({ path, kind }) => {
        if (kind === 'entry-point' || path.startsWith('node:')) return undefined;
        return { path: pathToFileURL(resolve(path)).href, external: true };
      });
    },
  };
}
