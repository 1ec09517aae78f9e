import type { Command } from 'commander';
import { type CommandContext, command } from './command.ts';
import type { ValidateOptions } from './validate.ts';

const HELP = `
Looks at the files alone, never at a server (\`rowcast check\` does that), so it fits where files are reviewed.

Exit codes:
  0  every file can be used
  1  one cannot: its problems are printed
  2  wrong usage`;

/** `rowcast validate <files...>` */
export function validateCommand({ env, exit }: CommandContext): Command {
  return command('validate', 'Say what is wrong with connector files, without asking any server.')
    .argument('<files...>', 'connector files, or directories of them')
    .option('--json', 'write JSON: an object per file with its problems and warnings')
    .addHelpText('after', HELP)
    .action(async (files: readonly string[], options: ValidateOptions) => {
      const { runValidate } = await import('./validate.ts');
      exit(runValidate(files, options, env));
    });
}
