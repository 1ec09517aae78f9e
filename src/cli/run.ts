import { join } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { Environment } from '../connector/reference.ts';
import { describeError, OperatorError, RecordError, TransientError } from '../errors.ts';
import { LOG_LEVELS, type LogLevel } from '../observe/logger.ts';
import { VERSION } from '../version.ts';

/** The connector files that come with Rowcast; the same place seen from `src/` and from `dist/`. */
const SHOP = join(import.meta.dirname, '..', '..', 'connectors');

/** Runs one command line and returns the exit code: 0 done, 1 failed or a difference was found, 2 wrong usage. */
export async function run(args: readonly string[], env: Environment): Promise<number> {
  let exitCode = 0;
  const program = commands(env, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    process.stderr.write(`${explain(error)}\n`);
    return 1;
  }
}

function commands(env: Environment, exit: (code: number) => void): Command {
  const program = new Command('rowcast')
    .description('Captures row changes of Postgres and replays them into a replica, exactly once.')
    .version(VERSION)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true });
  program.addCommand(start(env, exit));
  program.addCommand(demo(env, exit));
  return program;
}

interface StartFlags {
  readonly connectors: string;
  readonly state: string;
  readonly bootstrapServers?: string;
  readonly takeOver?: boolean;
  readonly logLevel: LogLevel;
}

function start(env: Environment, exit: (code: number) => void): Command {
  return new Command('start')
    .description('Run every connector file of a directory until SIGTERM or SIGINT.')
    .exitOverride()
    .requiredOption('--connectors <dir>', 'directory of connector files (Kafka Connect JSON)', 'connectors')
    .option('--state <dir>', 'where this daemon keeps its id, and the log when there is no Kafka', '.rowcast')
    .option(
      '--bootstrap-servers <list>',
      'Kafka brokers, host:port separated by commas; without them the embedded log is used',
    )
    .option('--take-over', 'take the connectors over from another daemon, which must be gone for good')
    .addOption(
      new Option('--log-level <level>', 'least important log lines to write').choices(LOG_LEVELS).default('info'),
    )
    .action(async (flags: StartFlags) => {
      const { runStart } = await import('./start.ts');
      exit(await runStart(flags, env));
    });
}

interface DemoFlags {
  readonly connectors: string;
  readonly seconds: number;
  readonly kafka?: boolean;
  readonly corrupt?: boolean;
  readonly rate: number;
}

function demo(env: Environment, exit: (code: number) => void): Command {
  return new Command('demo')
    .description('Replicate a busy little shop between two Postgres servers, live, and prove that both are equal.')
    .exitOverride()
    .addOption(new Option('--connectors <dir>', 'directory of connector files to run').default(SHOP, "Rowcast's own"))
    .option('--seconds <n>', 'how long the shop is busy (Ctrl-C ends it earlier)', positive, 30)
    .option(
      '--kafka',
      'send the changes through a real Apache Kafka (needs Java and Maven) instead of the embedded log',
    )
    .option('--rate <n>', 'about how many transactions a second the shop makes', positive, 400)
    .addOption(new Option('--corrupt', 'change one cell of the replica before comparing').hideHelp())
    .action(async (flags: DemoFlags) => {
      const { runDemo } = await import('./demo/demo.ts');
      exit(await runDemo({ ...flags, kafka: flags.kafka ?? false, corrupt: flags.corrupt ?? false }, env));
    });
}

function positive(text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw new InvalidArgumentError('It must be a number above 0.');
}

/** A failure as a person reads it; a bug with its stack. */
function explain(error: unknown): string {
  const known = error instanceof OperatorError || error instanceof RecordError || error instanceof TransientError;
  if (!known) return error instanceof Error ? (error.stack ?? error.message) : describeError(error);
  return error.advice === undefined ? describeError(error) : `${describeError(error)}\n${error.advice}`;
}
