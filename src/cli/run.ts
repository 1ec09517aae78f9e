import { Command, CommanderError } from 'commander';
import type { Environment } from '../connector/reference.ts';
import { describeError, OperatorError, RecordError, TransientError } from '../errors.ts';
import { VERSION } from '../version.ts';
import type { CommandContext } from './command.ts';
import { checkCommand } from './check-command.ts';
import { completionCommand } from './completion-command.ts';
import { controlCommands } from './control-commands.ts';
import { deleteCommand } from './delete-command.ts';
import { configCommand } from './config-command.ts';
import { demoCommand } from './demo-command.ts';
import { addExamples } from './help-examples.ts';
import { offsetsCommand } from './offsets-command.ts';
import { snapshotCommand } from './snapshot-command.ts';
import { startCommand } from './start-command.ts';
import { statusCommand } from './status-command.ts';
import { tailCommand } from './tail-command.ts';
import { tortureCommand } from './torture-command.ts';
import { validateCommand } from './validate-command.ts';
import { versionCommand } from './version-command.ts';
import { syncSequencesCommand } from './sync-sequences-command.ts';

/** Runs one command line and returns the exit code: 0 done, 1 failed or a difference was found, 2 wrong usage. */
export async function run(args: readonly string[], env: Environment): Promise<number> {
  let exitCode = 0;
  const exit = (code: number): void => {
    exitCode = code;
  };
  try {
    await commands({ env, exit }).parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    process.stderr.write(`${explain(error)}\n`);
    return 1;
  }
}

function commands(context: CommandContext): Command {
  const program = new Command('rowcast')
    .description('Captures row changes of Postgres and replays them into a replica, exactly once.')
    .version(VERSION)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true });
  for (const made of [
    startCommand(context),
    statusCommand(context),
    ...controlCommands(context),
    tailCommand(context),
    configCommand(context),
    validateCommand(context),
    checkCommand(context),
    demoCommand(context),
    tortureCommand(context),
    offsetsCommand(context),
    snapshotCommand(context),
    syncSequencesCommand(context),
    deleteCommand(context),
    completionCommand(context, program),
    versionCommand(context),
  ])
    program.addCommand(made);
  addExamples(program);
  return program;
}

/** A failure as a person reads it; a bug with its stack. */
function explain(error: unknown): string {
  const known = error instanceof OperatorError || error instanceof RecordError || error instanceof TransientError;
  if (!known) return error instanceof Error ? (error.stack ?? error.message) : describeError(error);
  return error.advice === undefined ? describeError(error) : `${describeError(error)}\n${error.advice}`;
}
