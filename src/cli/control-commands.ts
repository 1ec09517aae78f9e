import type { Command } from 'commander';
import { type CommandContext, command } from './command.ts';
import type { ControlOptions, Verb } from './control.ts';
import { withOperatorFlags } from './operator-options.ts';

const DOES: Readonly<Record<Verb, string>> = {
  pause:
    'Let a connector rest: it keeps its place, its slot and its connection to the log, and goes on with `resume`, also after a restart of the daemon.',
  resume: 'Let a connector go on that was paused or stopped.',
  stop: 'Stop a connector until it is resumed; its offsets may be changed meanwhile.',
  restart: 'End a connector and start it again where it was.',
};

const EXIT_CODES = `
Exit codes:
  0  done; the connector is in the state that was asked for
  1  it is not: it has failed, or no daemon runs
  2  wrong usage`;

/** `rowcast pause|resume|stop|restart <name>` */
export function controlCommands({ env, exit }: CommandContext): readonly Command[] {
  return (['pause', 'resume', 'stop', 'restart'] as const).map((verb) =>
    withOperatorFlags(command(verb, DOES[verb]))
      .argument('<name>', 'a connector of the daemon that runs')
      .option('--json', 'write JSON: what Kafka Connect answers for its status')
      .addHelpText('after', EXIT_CODES)
      .action(async (name: string, options: ControlOptions) => {
        const { runControl } = await import('./control.ts');
        exit(await runControl(verb, name, options, env));
      }),
  );
}
