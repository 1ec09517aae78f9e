import { Argument, type Command } from 'commander';
import { type CommandContext, command } from './command.ts';
import { SHELLS, type Shell } from './completion.ts';

const HELP = `
Examples:
  source <(rowcast completion bash)                                   for this shell
  rowcast completion zsh > "\${fpath[1]}/_rowcast"                      for every zsh
  rowcast completion fish > ~/.config/fish/completions/rowcast.fish   for every fish`;

/** `rowcast completion <shell>` */
export function completionCommand({ exit }: CommandContext, program: Command): Command {
  return command('completion', 'Print what lets a shell complete commands and options.')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText('after', HELP)
    .action(async (shell: Shell) => {
      const { completionFor } = await import('./completion.ts');
      process.stdout.write(completionFor(shell, program));
      exit(0);
    });
}
