import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runHarness } from '../../test/support/command-line.ts';
import { type Ratios, slowdowns, Stopwatch } from './guard.ts';
import { type Transcoder, transcoders } from './transcoders.ts';

const HELP = `Times each transcoder against a fixed loop in the same process, and compares the ratios with bench/guard/reference.json.

npm run bench:guard -- [options]
  --limit N       how many times slower than the reference, and than the others have become, is too slow (1.25)
  --rounds N      times that each is timed, in turn; the shortest counts (150)
  --tries N       measurements before something is called slow (4)
  --update        write the reference anew: after a transcoder was changed on purpose, on a machine that does nothing else
  --slow NAME=N   make a transcoder take N times as long (1.5, 2, …), to see that it is noticed
  --help          this text`;

interface Options {
  readonly limit: number;
  readonly rounds: number;
  readonly tries: number;
  readonly update: boolean;
  readonly slow: readonly string[];
}

/** Returns the exit code: 0 as fast as the reference, 1 slower, 2 wrong usage. */
export async function main(root: string, args: readonly string[]): Promise<number> {
  return await runHarness({ help: HELP, parse, run: (options, print) => run(root, options, print) }, args);
}

function parse(args: readonly string[]): Options | undefined {
  const text = (byDefault: string) => ({ type: 'string', default: byDefault }) as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      limit: text('1.25'),
      rounds: text('150'),
      tries: text('4'),
      update: { type: 'boolean', default: false },
      slow: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return undefined;
  const { update, slow } = values;
  return {
    limit: positive('limit', values.limit),
    rounds: positive('rounds', values.rounds),
    tries: positive('tries', values.tries),
    update,
    slow,
  };
}

async function run(root: string, options: Options, print: (line: string) => void): Promise<number> {
  const file = join(root, 'bench', 'guard', 'reference.json');
  const all = (await transcoders()).map((each) => repeated(each, options.slow));
  const watch = new Stopwatch(all);
  watch.measure(options.rounds);
  if (options.update) {
    watch.measure(options.rounds * (options.tries - 1));
    await writeFile(file, `${JSON.stringify(rounded(watch.ratios), null, 2)}\n`);
    print(`made: ${file}`);
    return 0;
  }
  const reference = JSON.parse(await readFile(file, 'utf8')) as Ratios;
  for (let n = 1; n < options.tries && slowdowns(watch.ratios, reference, options.limit).length > 0; n++) {
    watch.measure(options.rounds);
  }
  const now = watch.ratios;
  for (const [name, ratio] of Object.entries(now)) {
    const before = reference[name];
    print(
      `guard ${name}: ${ratio.toFixed(2)}, reference ${before?.toFixed(2)}, factor ${(ratio / (before ?? 0)).toFixed(2)}`,
    );
  }
  const slow = slowdowns(now, reference, options.limit);
  for (const { name, factor } of slow) print(`SLOWER: ${name} takes ${factor.toFixed(2)} times as long as it should`);
  print(
    slow.length === 0 ? `${all.length} passed, 0 failed` : `${all.length - slow.length} passed, ${slow.length} failed`,
  );
  return slow.length === 0 ? 0 : 1;
}

const PASSES = 2;

/** Every transcoder does its work twice; one that is to be slow does it more often: three times are a slow-down of 1.5. */
function repeated({ name, run: once }: Transcoder, slow: readonly string[]): Transcoder {
  const factor = Number(slow.find((text) => text.startsWith(`${name}=`))?.split('=')[1] ?? 1);
  const passes = Math.round(PASSES * factor);
  const run = (): void => {
    for (let pass = 0; pass < passes; pass++) once();
  };
  return { name, run };
}

function rounded(ratios: Ratios): Ratios {
  return Object.fromEntries(Object.entries(ratios).map(([name, ratio]) => [name, Number(ratio.toFixed(3))]));
}

function positive(name: string, given: string): number {
  const number = Number(given);
  if (number > 0) return number;
  throw new Error(`--${name} is a number above 0`);
}
