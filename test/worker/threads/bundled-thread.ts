import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** A thread's program that can be run as it is: Node 20 loads no TypeScript. */
export interface BundledThread extends AsyncDisposable {
  readonly url: URL;
}

/** Bundles a file of this folder, inside the project, so that packages are found. */
export async function bundleThread(file: string): Promise<BundledThread> {
  const folder = join(import.meta.dirname, '..', '..', '..', '.cache', `thread-${process.pid}-${file}`);
  const outfile = join(folder, 'thread.mjs');
  await mkdir(folder, { recursive: true });
  await build({
    entryPoints: [join(import.meta.dirname, file)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
  });
  return { url: pathToFileURL(outfile), [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}
