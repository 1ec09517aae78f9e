import type { Command } from 'commander';
import { type CommandContext, command } from './command.ts';
import { withOperatorFlags } from './operator-options.ts';
import type { SyncSequencesOptions } from './sync-sequences.ts';

/** `rowcast sync-sequences <name>` */
export function syncSequencesCommand({ env, exit }: CommandContext): Command {
  return withOperatorFlags(
    command('sync-sequences', 'Send where the sequences of a source stand to its sinks, as before a cut-over.'),
  )
    .argument('<name>', 'a source connector that runs')
    .option('--json', 'write JSON')
    .action(async (name: string, options: SyncSequencesOptions) => {
      const { runSyncSequences } = await import('./sync-sequences.ts');
      exit(await runSyncSequences(name, options, env));
    });
}
