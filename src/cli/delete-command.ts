import type { Command } from 'commander';
import { type CommandContext, command } from './command.ts';
import type { DeleteOptions } from './delete.ts';
import { withOperatorFlags } from './operator-options.ts';

/** `rowcast delete <name>` */
export function deleteCommand({ env, exit }: CommandContext): Command {
  return withOperatorFlags(
    command('delete', 'Delete a connector: stop it, remove its file, and what it leaves on its servers if asked for.'),
  )
    .argument('<name>', 'the connector')
    .option('--drop-slot', 'drop its replication slot; WAL that only it kept is gone')
    .option('--drop-publication', 'drop its publication, if it has exactly the tables of this connector')
    .option('--drop-progress', 'remove what a sink keeps about itself in schema rowcast of its target')
    .option('--keep-file', 'leave its file in place; a daemon runs it again when it starts')
    .option('--json', 'write JSON')
    .option('--yes', 'do not ask')
    .action(async (name: string, options: DeleteOptions) => {
      const { runDelete } = await import('./delete.ts');
      exit(await runDelete(name, options, env));
    });
}
