import { InvalidArgumentError, type Command } from 'commander';
import { type CommandContext, command } from './command.ts';
import { withOperatorFlags } from './operator-options.ts';
import type { TailOptions } from './tail.ts';

const HELP = `
Examples:
  rowcast tail shop.public.orders                      rows as they come, until Ctrl-C
  rowcast tail shop.public.orders --from start -n 20   the first twenty records that are there
  rowcast tail shop.public.orders --from start --json --no-follow | jq .after`;

/** `rowcast tail <topic>` */
export function tailCommand({ env, exit }: CommandContext): Command {
  return withOperatorFlags(command('tail', 'Print the records of a topic as rows.'))
    .argument('<topic>', 'a topic: prefix.schema.table')
    .option('--from <place>', 'start, end, or partition:offset, several by commas', 'end')
    .option('-n, --limit <count>', 'end after so many records', atLeastOne)
    .option('--no-follow', 'end where the topic ends now')
    .option('--json', 'print each record as a line of JSON')
    .addHelpText('after', HELP)
    .action(async (topic: string, options: TailOptions) => {
      const { runTail } = await import('./tail.ts');
      exit(await runTail(topic, options, env));
    });
}

function atLeastOne(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a whole number above 0.');
}
