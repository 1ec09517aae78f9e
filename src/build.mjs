// Builds `dist`: node src/build.mjs [arguments for tsc]. Everything is there as tsc makes it, for whoever imports a file of it. What is run is bundled besides,
// from just that: a start loads hundreds of modules, in the process and again in each of its threads, and as single files they take longer than all that follows.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const forTsc = process.argv.slice(2);
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');

/** Runs a program of Node.js to its end. */
function run(...args) {
  execFileSync(process.execPath, args, { stdio: 'inherit', cwd: root });
}

rmSync(dist, { recursive: true, force: true });
run(join(import.meta.dirname, 'ui', 'build.mjs'), dist);
run(tsc, '-p', 'tsconfig.build.json', ...forTsc);
await build({
  // The program, and the one of its threads.
  entryPoints: ['main', 'worker/threads/thread-main'].map((name) => join(dist, `${name}.js`)),
  outdir: dist,
  outbase: dist,
  allowOverwrite: true,
  bundle: true,
  splitting: true, // a command loads what it needs
  chunkNames: 'bundle-[hash]', // beside main.js: see program.ts
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: !forTsc.includes('--sourceMap'),
  logLevel: 'warning',
});
