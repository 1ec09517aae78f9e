import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describeError } from '../../src/errors.ts';
import { runHarness } from '../support/command-line.ts';
import { runDdl } from './ddl.ts';
import { HELP, type Options, parseOptions } from './options.ts';
import { plantBug } from './plant.ts';

/** Runs the harness with a command line; returns the exit code: 0 equal, 1 not, 2 wrong usage. `root` is the project's folder. */
export async function main(root: string, args: readonly string[]): Promise<number> {
  return await runHarness(
    { help: HELP, parse: parseOptions, run: (options, print, signal) => run(root, options, print, signal) },
    args,
  );
}

async function run(root: string, options: Options, print: (line: string) => void, signal: AbortSignal) {
  const service = resolve(options.main ?? join(root, 'dist', 'main.js'));
  if (!existsSync(service)) {
    process.stderr.write(`There is no ${service}: run npm run build first\n`);
    return 1;
  }
  const directory = await mkdtemp(join(tmpdir(), 'rowcast-ddl-'));
  const harmed = join(root, '.cache', `planted-${process.pid}`);
  await chmod(directory, 0o711); // root's servers run as another user, below it
  let isClean = false;
  try {
    const main = options.plant === undefined ? service : await plantBug(service, harmed, options.plant);
    isClean = await runDdl({ ...options, main, directory, print }, signal);
  } catch (error) {
    print(signal.aborted ? 'stopped' : `FAILED  ${error instanceof Error ? error.stack : describeError(error)}`);
  }
  await rm(harmed, { recursive: true, force: true });
  if (options.keep || !(isClean || signal.aborted)) print(`kept: ${directory} (service.txt is what the service said)`);
  else await rm(directory, { recursive: true, force: true });
  return isClean ? 0 : 1;
}
