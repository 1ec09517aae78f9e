import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describeError } from '../../src/errors.ts';
import { runGiant } from './giant.ts';
import { runHarness } from '../support/command-line.ts';
import { HELP, type Options, parseOptions } from './options.ts';
import { diskBytes, gib } from './shape.ts';

/** Runs the test with a command line; returns the exit code: 0 all held, 1 something did not, 2 wrong usage. `root` is the project's folder. */
export async function main(root: string, args: readonly string[]): Promise<number> {
  const service = (given: string | undefined): string => resolve(given ?? join(root, 'dist', 'main.js'));
  return await runHarness(
    {
      help: HELP,
      parse: parseOptions,
      run: (options, print, signal) => run(options, service(options.main), print, signal),
    },
    args,
  );
}

async function run(options: Options, service: string, print: (line: string) => void, signal: AbortSignal) {
  if (!existsSync(service)) {
    process.stderr.write(`There is no ${service}: run npm run build first\n`);
    return 1;
  }
  const needed = diskBytes(options);
  const { bavail, bsize } = await statfs(tmpdir());
  print(`needs about ${gib(needed)} of disk in ${tmpdir()}; ${gib(bavail * bsize)} are free`);
  if (bavail * bsize < needed) {
    process.stderr.write('That is too little: set TMPDIR to a folder with more, or try fewer rows\n');
    return 1;
  }
  const directory = await mkdtemp(join(tmpdir(), 'rowcast-giant-'));
  await chmod(directory, 0o711); // root's servers run as another user, below it
  let isClean = false;
  try {
    isClean = await runGiant({ ...options, main: service, directory, print }, signal);
  } catch (error) {
    print(signal.aborted ? 'stopped' : `FAILED  ${error instanceof Error ? error.stack : describeError(error)}`);
  }
  if (options.keep || !(isClean || signal.aborted)) print(`kept: ${directory} (service.txt is what the service said)`);
  else await rm(directory, { recursive: true, force: true });
  return isClean ? 0 : 1;
}
