import { type Command, Option } from 'commander';
import { LOG_LEVELS, type LogLevel } from '../observe/logger.ts';
import { type CommandContext, command } from './command.ts';

interface StartFlags {
  readonly connectors: string;
  readonly state: string;
  readonly bootstrapServers?: string;
  readonly takeOver?: boolean;
  readonly logLevel: LogLevel;
}

/** `rowcast start` */
export function startCommand({ env, exit }: CommandContext): Command {
  return command('start', 'Run every connector file of a directory until SIGTERM or SIGINT.')
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
