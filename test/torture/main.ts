import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describeError, OperatorError } from '../../src/errors.ts';
import { runHarness } from '../support/command-line.ts';
import { HELP, type Options, parseOptions } from './options.ts';
import { PROFILES } from './profiles/profiles.ts';
import { StandstillError } from './stage.ts';
import { torture } from './torture.ts';

/** Runs the harness with a command line; returns the exit code: 0 clean, 1 not, 2 wrong usage. `root` is the project's folder. */
export async function main(root: string, args: readonly string[]): Promise<number> {
  const service = (given: string | undefined): string => resolve(given ?? join(root, 'dist', 'main.js'));
  return await runHarness(
    {
      help: HELP,
      parse: parseOptions,
      run: (options, print, signal) => runAll(options, service(options.main), print, signal),
    },
    args,
  );
}

async function runAll(
  options: Options,
  service: string,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  if (!existsSync(service)) {
    process.stderr.write(`There is no ${service}: run npm run build first\n`);
    return 1;
  }
  let exitCode = 0;
  for (const log of options.logs) {
    const directory = await mkdtemp(join(tmpdir(), `rowcast-torture-${log}-`));
    await chmod(directory, 0o711); // root's servers run as another user, below it
    let isClean = false;
    try {
      const { kills, faults, seed, keep } = options;
      const profile = PROFILES[options.source];
      isClean = await torture({ profile, log, kills, faults, seed, keep, directory, main: service, print }, signal);
    } catch (error) {
      print(signal.aborted ? 'stopped' : `FAILED  ${explain(error)}`);
    }
    if (!isClean) exitCode = 1;
    if (options.keep || !(isClean || signal.aborted))
      print(`kept: ${directory} (service.txt is what the service said)`);
    else await rm(directory, { recursive: true, force: true });
    if (signal.aborted) return 1;
  }
  return exitCode;
}

/** What stood still or was refused is told without a stack; anything else is a mistake of the harness. */
function explain(error: unknown): string {
  const known = error instanceof StandstillError || error instanceof OperatorError;
  return known || !(error instanceof Error) ? describeError(error) : `${describeError(error)}\n${error.stack}`;
}
