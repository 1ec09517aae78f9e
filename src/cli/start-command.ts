import { type Command, Option } from 'commander';
import { LOG_LEVELS } from '../observe/logger.ts';
import { workerFlags } from '../worker/load-worker-config.ts';
import { type CommandContext, command } from './command.ts';
import type { StartFlags } from './start.ts';

/** The worker's settings that have a flag; the others are in its file, or in ROWCAST_* variables. */
const FLAGS = ['connectors.dir', 'state.dir', 'bootstrap.servers', 'listeners', 'worker.threads'];

const HELP = `
Settings come from these flags, from ROWCAST_* variables (ROWCAST_STATE_DIR is state.dir) and from the file of --config; the
first of them that says something counts. Connectors run on when others fail; the exit code is
  0  told to stop and drained, or with --no-watch: every connector has ended by itself
  1  no connector file is valid, the daemon cannot start, or with --no-watch: a connector has failed
  2  wrong usage`;

/** `rowcast start` */
export function startCommand({ env, exit }: CommandContext): Command {
  const start = command('start', 'Run every connector file of a directory until SIGTERM or SIGINT.')
    .option('--config <file>', 'worker settings, as .properties or .json')
    .addHelpText('after', HELP);
  for (const { flag, doc, default: value } of workerFlags().filter(({ key }) => FLAGS.includes(key))) {
    start.option(flag, value === undefined || value === '' ? doc : `${doc} (default: ${value})`);
  }
  return start
    .addOption(new Option('--log-level <level>', 'least important log lines to write').choices(LOG_LEVELS))
    .option('--no-watch', 'do not follow changes of the files, and end when every connector has ended')
    .option('--take-over', 'take the connectors over from another daemon, which must be gone for good')
    .action(async (flags: StartFlags) => {
      const { runStart } = await import('./start.ts');
      exit(await runStart(flags, env));
    });
}
