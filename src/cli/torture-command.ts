import { type Command, InvalidArgumentError, Option } from 'commander';
import { CAPTURES, type CaptureName, type LogName, LOGS } from '../torture/names.ts';
import { FAULT_KINDS } from '../torture/faults/fault.ts';
import { countFaults, type FaultWish, parseFaults, wholeNumber } from '../torture/options.ts';
import { type CommandContext, command } from './command.ts';

interface TortureFlags {
  readonly source: CaptureName;
  readonly kills: number;
  readonly faults?: readonly FaultWish[];
  readonly each: number;
  readonly lost?: number;
  readonly log: LogName | 'both';
  readonly kafka?: true;
  readonly brokers: '1' | '3';
  readonly rounds: number;
  readonly seed?: number;
  readonly every?: number;
  readonly keep?: true;
  readonly main?: string;
}

const SEEDS = 1_000_000;

const EXIT_CODES = `
Exit codes:
  0  nothing was lost, applied twice or torn
  1  something was, or the run has failed or was stopped
  2  wrong usage`;

/** `rowcast torture` */
export function tortureCommand({ env, exit }: CommandContext): Command {
  return command(
    'torture',
    'Kill a busy Rowcast again and again, on servers of its own, and prove that nothing was lost, applied twice or torn.',
  )
    .addOption(new Option('--source <kind>', 'how changes are captured').choices(CAPTURES).default('wal'))
    .option(
      '--kills <n>',
      'how many kills count: half at fail points, half at random moments; the copy of wal takes 4 at least',
      atLeast(0),
      50,
    )
    .option(
      '--faults <list>',
      `other faults than kills, with commas between: all, or of ${FAULT_KINDS.join(', ')}; kind=n strikes so often`,
      refusing(parseFaults),
    )
    .option('--each <n>', 'how often a kind of fault without a number strikes', atLeast(1), 5)
    .option('--every <seconds>', 'so long from one kill or fault to the next behind the copy, at least', atLeast(1), 0)
    .option('--lost <n>', 'the same as lost-response=n in the list', atLeast(1))
    .addOption(
      new Option('--log <log>', 'what lies between (kafka needs Java and Maven)')
        .choices([...LOGS, 'both'])
        .default('both'),
    )
    .addOption(new Option('--kafka', 'the same as --log kafka').conflicts('log'))
    .addOption(
      new Option('--brokers <n>', 'how many brokers Kafka has; of three one may be away')
        .choices(['1', '3'])
        .default('1'),
    )
    .option(
      '--rounds <n>',
      'divides kills and faults among so many rounds, each on new servers: what only a first start does is met in each',
      atLeast(1),
      1,
    )
    .option('--seed <n>', 'which plan of kills and transactions (default: a random one, which is printed)', atLeast(0))
    .option('--keep', 'keep data, log files and connector files, and say where')
    .option('--main <file>', 'main.js of the Rowcast to kill (default: this one)')
    .addHelpText('after', EXIT_CODES)
    .action(async (flags: TortureFlags, self: Command) => {
      const { source, kills, faults: wishes = [], each, rounds, every = 0, lost, keep = false, main } = flags;
      const faults = countFaults([...wishes, ...(lost ? [['lost-response', lost] as const] : [])], each);
      if (kills < 2 * rounds && !(kills === 0 && faults.size > 0))
        self.error('error: --kills is at least 2 for each of --rounds; 0 goes with --faults');
      const log = flags.kafka ? 'kafka' : flags.log;
      const logs = log === 'both' ? LOGS : [log];
      const brokers = Number(flags.brokers);
      if (brokers > 1 && log === 'embedded') self.error('error: --brokers is for --log kafka');
      const seed = flags.seed ?? Math.floor(Math.random() * SEEDS);
      const { runTorture } = await import('./torture.ts');
      exit(
        await runTorture({ source, logs, brokers, kills, faults, rounds, seed, paceMs: every * 1000, keep, main }, env),
      );
    });
}

function atLeast(least: number): (text: string) => number {
  return refusing((text) => wholeNumber(text, least));
}

/** What is wrong with a value is wrong usage. */
function refusing<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
}
