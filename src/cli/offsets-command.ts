import type { Command } from 'commander';
import { type CommandContext, command } from './command.ts';
import type { OffsetsOptions } from './offsets.ts';
import { withOperatorFlags } from './operator-options.ts';

/** `rowcast offsets [name]`, `rowcast offsets accept <name>`, `rowcast offsets reset <name>` */
export function offsetsCommand(context: CommandContext): Command {
  const offsets = withOperatorFlags(command('offsets', 'Show where every connector stands, or change it.'))
    .argument('[name]', 'show one connector only')
    .option('--json', 'write JSON: per connector what Kafka Connect answers for its offsets')
    .action(async (name: string | undefined, options: OffsetsOptions) => {
      const { runOffsets } = await import('./offsets.ts');
      context.exit(await runOffsets({ kind: 'offsets', connector: name }, options, context.env));
    });
  offsets.addCommand(acceptCommand(context));
  offsets.addCommand(resetCommand(context));
  return offsets;
}

function acceptCommand(context: CommandContext): Command {
  return command(
    'accept',
    'Accept the server, publication and slot of a source as they are now: after a failover or an upgrade, or when a slot was moved. Says what may be missing.',
  )
    .argument('<name>', 'a source connector')
    .option('--from-now', 'make a missing slot at the present end of WAL, and give up what was committed before')
    .option('--yes', 'do not ask')
    .action(async (name: string, own: { readonly fromNow?: boolean }, self: Command) => {
      const { runOffsets } = await import('./offsets.ts');
      const request = { kind: 'accept', connector: name, fromNow: own.fromNow === true } as const;
      context.exit(await runOffsets(request, self.optsWithGlobals<OffsetsOptions>(), context.env));
    });
}

function resetCommand(context: CommandContext): Command {
  return command('reset', 'Let a connector begin again: a source copies every table, a sink replays the log.')
    .argument('<name>', 'a connector')
    .option('--yes', 'do not ask')
    .action(async (name: string, _own: unknown, self: Command) => {
      const { runOffsets } = await import('./offsets.ts');
      const request = { kind: 'reset', connector: name } as const;
      context.exit(await runOffsets(request, self.optsWithGlobals<OffsetsOptions>(), context.env));
    });
}
