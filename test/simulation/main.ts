import { runHarness } from '../support/command-line.ts';
import type { Mutant } from './mutants/mutant.ts';
import { HELP, parseOptions, type SimulationOptions } from './options.ts';
import { openPool } from './pool.ts';

/** A planted bug that so many seeds do not find is not found. */
const MUTANT_SEEDS = 12_000;
const SEEDS = 20_000;

/** When everything is wrong, these violations say it. */
const MOST_PRINTED = 50;

type Print = (line: string) => void;

/** Returns the exit code: 1 when any run went wrong or a planted bug was not caught, 2 for wrong usage. */
export async function main(root: string, args: readonly string[]): Promise<number> {
  const run = async (options: SimulationOptions, print: Print, signal: AbortSignal): Promise<number> => {
    const code = await simulate(root, options, print, signal);
    if (!signal.aborted) return code;
    print('stopped');
    return 1;
  };
  return await runHarness({ help: HELP, parse: parseOptions, run }, args);
}

async function simulate(root: string, options: SimulationOptions, print: Print, signal: AbortSignal): Promise<number> {
  const { mutants, seed, trace } = options;
  if (seed !== undefined) return await runOne(root, seed, mutants[0], trace, print);
  return mutants.length > 0 ? await hunt(root, options, print, signal) : await survey(root, options, print, signal);
}

async function runOne(
  root: string,
  seed: number,
  mutant: Mutant | undefined,
  trace: boolean,
  print: Print,
): Promise<number> {
  await using pool = await openPool(root, mutant?.patches ?? [], 1);
  const traced = trace ? { print } : {};
  const [failure] = await pool.run({ from: seed, seeds: 1, twice: !trace, untilFailure: false, ...traced });
  print(failure === undefined ? `seed ${seed}: clean` : `seed ${seed}: ${failure.what}`);
  return failure === undefined ? 0 : 1;
}

/** Runs seeds on the code as it is. */
async function survey(root: string, options: SimulationOptions, print: Print, signal: AbortSignal): Promise<number> {
  const { from, seeds = SEEDS, threads, twice } = options;
  await using pool = await openPool(root, [], threads);
  const startedAt = performance.now();
  const counts = new Map<string, number>();
  let runs = 0;
  let steps = 0;
  let printed = 0;
  let printedAt = startedAt;
  const failures = await pool.run({
    from,
    seeds,
    twice,
    untilFailure: false,
    signal,
    onJob: (done) => {
      runs += done.runs;
      steps += done.steps;
      for (const [what, count] of done.counts) counts.set(what, (counts.get(what) ?? 0) + count);
      for (const { seed, what } of done.failures) {
        if (printed++ < MOST_PRINTED) print(`violation by seed ${seed}: ${what}`);
      }
      const now = performance.now();
      if (now - printedAt < 5_000) return;
      printedAt = now;
      print(`${runs} of ${seeds} seeds, ${Math.round((runs * 1000) / (now - startedAt))} seeds/s`);
    },
  });
  const seconds = (performance.now() - startedAt) / 1000;
  for (const [what, count] of [...counts].sort((a, b) => b[1] - a[1])) print(`${String(count).padStart(10)} ${what}`);
  print(
    `${runs} seeds, ${steps} steps, ${seconds.toFixed(1)} s, ${Math.round(runs / seconds)} seeds/s on ${threads} threads: ` +
      `${failures.length} violations`,
  );
  return failures.length === 0 ? 0 : 1;
}

/** Looks for the first seed that catches each planted bug, and proves that the same seed passes without it. */
async function hunt(root: string, options: SimulationOptions, print: Print, signal: AbortSignal): Promise<number> {
  const { mutants, from, seeds = MUTANT_SEEDS, threads } = options;
  await using clean = await openPool(root, [], 1);
  let missed = 0;
  for (const { name, patches, digits } of mutants) {
    await using pool = await openPool(root, patches, threads);
    const [failure] = await pool.run({ from, seeds, digits, twice: false, untilFailure: true, signal });
    if (signal.aborted) break;
    if (failure === undefined) {
      missed++;
      print(`missed ${name}: ${seeds} seeds passed`);
      continue;
    }
    const { seed, what } = failure;
    print(`caught ${name} by seed ${seed}: ${what}`);
    const [unpatched] = await clean.run({ from: seed, seeds: 1, twice: true, untilFailure: false });
    if (unpatched === undefined) continue;
    missed++;
    print(`but seed ${seed} fails without it too: ${unpatched.what}`);
  }
  print(`${mutants.length - missed} of ${mutants.length} planted bugs caught`);
  return missed === 0 ? 0 : 1;
}
