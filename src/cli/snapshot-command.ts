import type { Command } from 'commander';
import { type CommandContext, command } from './command.ts';
import { withOperatorFlags } from './operator-options.ts';
import type { SnapshotOptions } from './snapshot.ts';

/** `rowcast snapshot <name> [table...]` */
export function snapshotCommand({ env, exit }: CommandContext): Command {
  return withOperatorFlags(
    command(
      'snapshot',
      'Copy tables of a source again while it streams, or a part of their rows; or give such copies up.',
    ),
  )
    .argument('<name>', 'a source connector that runs')
    .argument('[tables...]', 'tables as schema.table, or regular expressions for such names')
    .option('--where <condition>', 'SQL condition of the rows; a replica keeps the others as they are')
    .option('--blocking', 'copy each table at one moment, for which the stream waits, instead of in chunks')
    .option('--stop', 'give up what is asked for of the tables, or everything when none is named')
    .option('--pause', 'let all copies pause')
    .option('--resume', 'let them go on')
    .option('--json', 'write JSON')
    .action(async (name: string, tables: readonly string[], options: SnapshotOptions) => {
      const { runSnapshot } = await import('./snapshot.ts');
      exit(await runSnapshot(name, tables, options, env));
    });
}
