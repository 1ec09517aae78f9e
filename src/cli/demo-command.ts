import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { PROGRAM } from '../program.ts';
import { type CommandContext, command } from './command.ts';

/** The connector files that come with Rowcast, those of other sources in folders of their own; the same place seen from `src/` and from `dist/`. */
const SHOP = join(PROGRAM, '..', 'connectors');

const KINDS = ['wal', 'query', 'trigger'] as const;

interface DemoFlags {
  readonly connectors?: string;
  readonly source: string;
  readonly seconds: number;
  readonly kafka?: boolean;
  readonly outbox?: boolean;
  readonly corrupt?: boolean;
  readonly rate: number;
}

/** `rowcast demo` */
export function demoCommand({ env, exit }: CommandContext): Command {
  return command(
    'demo',
    'Replicate a busy little shop between two Postgres servers, live, and prove that both are equal.',
  )
    .option('--connectors <dir>', "directory of connector files to run (default: Rowcast's own)")
    .addOption(
      new Option('--source <kind>', 'how changes are captured, with its own files').choices([...KINDS]).default('wal'),
    )
    .option('--seconds <n>', 'how long the shop is busy (Ctrl-C ends it earlier)', positive, 30)
    .option(
      '--kafka',
      'send the changes through a real Apache Kafka (needs Java and Maven) instead of the embedded log',
    )
    .option('--rate <n>', 'about how many transactions a second the shop makes', positive, 400)
    .addOption(
      new Option('--outbox', 'show the events of an outbox as they arrive, instead of a replica').conflicts([
        'kafka',
        'corrupt',
      ]),
    )
    .addOption(new Option('--corrupt', 'change one cell of the replica before comparing').hideHelp())
    .action(async (flags: DemoFlags) => {
      if (flags.outbox) {
        const { runOutboxDemo } = await import('./demo/outbox-demo.ts');
        const outboxes = flags.connectors ?? join(SHOP, 'outbox');
        exit(await runOutboxDemo({ connectors: outboxes, seconds: flags.seconds }, env));
        return;
      }
      const { runDemo } = await import('./demo/demo.ts');
      const connectors = flags.connectors ?? (flags.source === 'wal' ? SHOP : join(SHOP, flags.source));
      exit(await runDemo({ ...flags, connectors, kafka: flags.kafka ?? false, corrupt: flags.corrupt ?? false }, env));
    });
}

function positive(text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw new InvalidArgumentError('It must be a number above 0.');
}
