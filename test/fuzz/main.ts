import { startPostgres } from '../../src/servers/postgres-server.ts';
import { fuzz } from './fuzz.ts';
import { runHarness } from '../support/command-line.ts';
import { HELP, type Options, parseOptions } from './options.ts';

/** Settings of the fuzzer's server: prepared transactions work, and nothing but the fuzzer takes locks. */
export const SERVER_SETTINGS: Readonly<Record<string, string>> = {
  max_prepared_transactions: '10',
  autovacuum: 'off',
  fsync: 'off',
};

/** Runs the fuzzer with a command line; returns the exit code: 0 all equal, 1 not, 2 wrong usage. */
export async function main(_root: string, args: readonly string[]): Promise<number> {
  return await runHarness({ help: HELP, parse: parseOptions, run }, args);
}

async function run(options: Options, print: (line: string) => void, signal: AbortSignal): Promise<number> {
  const { seed } = options;
  await using server = await startPostgres({ settings: SERVER_SETTINGS });
  const verdict = await fuzz({ ...options, server: server.settings(), patienceMs: 30_000, print }, signal);
  const { rounds, statements, failed } = verdict;
  if (failed.length === 0) print(`${rounds} rounds equal, ${statements} statements, seed ${seed}`);
  else
    print(
      `${failed.length} of ${rounds} rounds not equal, ${statements} statements, seed ${seed}: ${failed.join(', ')}`,
    );
  return failed.length === 0 && !signal.aborted ? 0 : 1;
}
