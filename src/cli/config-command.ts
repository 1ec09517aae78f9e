import { type Command, Option } from 'commander';
import { type CommandContext, command } from './command.ts';
import type { ConfigFlags } from './config.ts';

const HELP = `
Examples:
  rowcast config                                     what can be configured
  rowcast config PostgresWalSource                   every setting of a class, with its default
  rowcast config worker                              the settings of the daemon
  rowcast config --file connectors/shop.json         what a connector file amounts to; exits with 1 when it is not valid
  rowcast config worker --file worker.properties     the same of the daemon's settings, ROWCAST_* variables included`;

/** `rowcast config` */
export function configCommand({ env, exit }: CommandContext): Command {
  return command('config', 'Show the settings of connectors and of the daemon, or what a file amounts to.')
    .argument('[class]', 'a class of connectors, or worker')
    .option('--file <file>', 'show the effective configuration of this file, secrets masked')
    .addOption(new Option('--json', "as JSON: Kafka Connect's ConfigDef, or the effective configuration"))
    .addOption(new Option('--schema', 'the JSON Schema').conflicts(['json', 'markdown', 'file']))
    .addOption(new Option('--markdown', 'the reference page').conflicts(['json', 'file']))
    .addHelpText('after', HELP)
    .action(async (name: string | undefined, flags: Omit<ConfigFlags, 'name'>) => {
      const { runConfig } = await import('./config.ts');
      exit(runConfig({ ...flags, name }, env));
    });
}
