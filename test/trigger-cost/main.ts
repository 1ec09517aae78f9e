import { parseArgs } from 'node:util';
import { runHarness } from '../support/command-line.ts';
import { type CostOptions, triggerCost } from './trigger-cost.ts';

const HELP = `Measures what capture by triggers costs the writers: pgbench's own transactions, in turn without triggers, with triggers whose
events pile up, and with triggers and a source that consumes the events. Needs pgbench.

npm run trigger:cost -- [options]
  --seconds N   of each measurement (10)
  --rounds N    how often each is taken (3)
  --clients N   of pgbench (4)
  --scale N     of pgbench's tables (10)
  --help        this text`;

/** Runs the harness with a command line; returns the exit code. */
export async function main(_root: string, args: readonly string[]): Promise<number> {
  return await runHarness({ help: HELP, parse, run: triggerCost }, args);
}

function parse(args: readonly string[]): CostOptions | undefined {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { seconds: text, rounds: text, clients: text, scale: text, help: { type: 'boolean' } },
  });
  if (values.help === true) return undefined;
  const whole = (name: 'seconds' | 'rounds' | 'clients' | 'scale', byDefault: number): number => {
    const number = Number(values[name] ?? byDefault);
    if (!Number.isInteger(number) || number < 1) {
      throw new Error(`--${name} must be a whole number, 1 or more, not "${values[name]}"`);
    }
    return number;
  };
  return {
    seconds: whole('seconds', 10),
    rounds: whole('rounds', 3),
    clients: whole('clients', 4),
    scale: whole('scale', 10),
  };
}
