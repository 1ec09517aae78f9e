import { type Command, InvalidArgumentError } from 'commander';
import { type CommandContext, command } from './command.ts';
import { withOperatorFlags } from './operator-options.ts';
import type { StatusOptions } from './status.ts';

const EXIT_CODES = `
Exit codes:
  0  every connector is well, as /health judges
  1  one has failed or makes no progress, or no daemon runs
  2  wrong usage`;

const EVERY_S = 2;

/** What commander gives: true for `--watch` alone. */
type Given = Omit<StatusOptions, 'watch'> & { readonly watch?: number | true };

/** `rowcast status [name]` */
export function statusCommand({ env, exit }: CommandContext): Command {
  return withOperatorFlags(command('status', 'Show what every connector is doing, and what is wrong with it.'))
    .argument('[name]', 'show one connector only')
    .option('--json', 'print a JSON array with one object per connector')
    .option('--watch [seconds]', 'show it again and again, until Ctrl-C', seconds)
    .addHelpText('after', EXIT_CODES)
    .action(async (name: string | undefined, { watch, ...options }: Given) => {
      const { runStatus } = await import('./status.ts');
      const every = watch === true ? EVERY_S : watch;
      exit(await runStatus(name, { ...options, ...(every !== undefined && { watch: every }) }, env));
    });
}

function seconds(text: string): number {
  const value = Number(text);
  if (value >= 0.1 && value <= 3_600) return value;
  throw new InvalidArgumentError('It must be a number of seconds from 0.1 to 3600.');
}
