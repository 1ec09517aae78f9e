import type { Command } from 'commander';
import { type CommandContext, command } from './command.ts';
import { withOperatorFlags } from './operator-options.ts';
import type { StatusOptions } from './status.ts';

const EXIT_CODES = `
Exit codes:
  0  every connector is well, as /health judges
  1  one has failed or makes no progress, or no daemon runs
  2  wrong usage`;

/** `rowcast status [name]` */
export function statusCommand({ env, exit }: CommandContext): Command {
  return withOperatorFlags(command('status', 'Show what every connector is doing, and what is wrong with it.'))
    .argument('[name]', 'show one connector only')
    .option('--json', 'print a JSON array with one object per connector')
    .addHelpText('after', EXIT_CODES)
    .action(async (name: string | undefined, options: StatusOptions) => {
      const { runStatus } = await import('./status.ts');
      exit(await runStatus(name, options, env));
    });
}
