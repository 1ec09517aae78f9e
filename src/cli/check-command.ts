import type { Command } from 'commander';
import { type CommandContext, command } from './command.ts';

interface CheckFlags {
  readonly config?: string;
  readonly connectors?: string;
  readonly state?: string;
  readonly bootstrapServers?: string;
  readonly listeners?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
  readonly installDdl?: boolean;
  readonly uninstallDdl?: boolean;
  readonly installTriggers?: boolean;
  readonly removeTriggers?: boolean;
  readonly recommend?: boolean;
  readonly yes?: boolean;
}

const EXIT_CODES = `
Exit codes:
  0  no problem (there may be warnings)
  1  at least one problem: a connector would stop, or its replica would differ
  2  wrong usage
  3  no problem was found, but some things could not be looked at`;

/** `rowcast check` */
export function checkCommand({ env, exit }: CommandContext): Command {
  return command('check', 'Look at every server that the connectors need, and tell what is missing and what mends it.')
    .argument('[names...]', 'connectors to check; without them all of the directory')
    .option('--config <file>', 'settings of the daemon, .properties or .json')
    .option('--connectors <dir>', 'directory of connector files (Kafka Connect JSON)')
    .option('--state <dir>', 'where the daemon keeps its id, and the log when there is no Kafka')
    .option('--bootstrap-servers <list>', 'Kafka brokers, host:port separated by commas')
    .option('--listeners <url>', 'where the daemon is to listen')
    .option('--json', 'print the findings as a JSON array')
    .option('--verbose', 'also list what is in order')
    .option('--install-ddl', 'instead: print the SQL that lets sources replicate DDL, and run it with --yes')
    .option('--uninstall-ddl', 'instead: print the SQL that takes this away again, and run it with --yes')
    .option('--install-triggers', 'instead: print the SQL that lets trigger sources capture, and run it with --yes')
    .option('--remove-triggers', 'instead: print the SQL that takes this away again, and run it with --yes')
    .option(
      '--recommend',
      'instead: say which way of capture suits a database, and why; a name may be a URL, postgres://…',
    )
    .option('--yes', 'run the SQL that is printed, as the role of the connector')
    .addHelpText('after', EXIT_CODES)
    .action(async (names: readonly string[], flags: CheckFlags) => {
      if (flags.installDdl === true || flags.uninstallDdl === true) {
        const { runDdl } = await import('./ddl.ts');
        exit(await runDdl({ ...flags, names }, env));
        return;
      }
      if (flags.installTriggers === true || flags.removeTriggers === true) {
        const { runTriggers } = await import('./triggers.ts');
        exit(await runTriggers({ ...flags, names }, env));
        return;
      }
      if (flags.recommend === true) {
        const { runRecommend } = await import('./recommend.ts');
        exit(await runRecommend({ ...flags, names }, env));
        return;
      }
      const { runCheck } = await import('./check.ts');
      exit(await runCheck({ ...flags, names }, env));
    });
}
