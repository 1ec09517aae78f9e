import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { MUTANTS } from './mutants/all.ts';
import type { Mutant } from './mutants/mutant.ts';
import { openPool } from './pool.ts';

/** A planted bug that so many seeds do not find is not found. */
const MUTANT_SEEDS = 12_000;

/** When everything is wrong, these violations say it. */
const MOST_PRINTED = 50;

/**
 * `npm run simulate -- [--seeds N] [--from N] [--mutant NAME | --mutants] [--seed N --trace]`: returns the exit code, 1 when any
 * run went wrong or a planted bug was not caught.
 */
export async function main(root: string, args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      seeds: { type: 'string' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      mutant: { type: 'string' },
      mutants: { type: 'boolean', default: false },
      trace: { type: 'boolean', default: false },
      twice: { type: 'boolean', default: false },
      threads: { type: 'string', default: String(availableParallelism()) },
    },
  });
  const threads = Number(values.threads);
  const wanted = values.mutants ? MUTANTS : MUTANTS.filter(({ name }) => name === values.mutant);
  if (values.mutant !== undefined && wanted.length === 0) throw new Error(`No planted bug is called ${values.mutant}`);
  if (values.seed !== undefined) return await runOne(root, Number(values.seed), wanted[0], values.trace);
  const from = Number(values.from);
  if (wanted.length > 0) return await hunt(root, wanted, from, Number(values.seeds ?? MUTANT_SEEDS), threads);
  return await survey(root, from, Number(values.seeds ?? 20_000), threads, values.twice);
}

async function runOne(root: string, seed: number, mutant: Mutant | undefined, trace: boolean): Promise<number> {
  await using pool = await openPool(root, mutant?.patches ?? [], 1);
  const print = trace ? { print: (line: string) => console.log(line) } : {};
  const [failure] = await pool.run({ from: seed, seeds: 1, twice: !trace, untilFailure: false, ...print });
  console.log(failure === undefined ? `seed ${seed}: clean` : `seed ${seed}: ${failure.what}`);
  return failure === undefined ? 0 : 1;
}

/** Runs seeds on the code as it is. */
async function survey(root: string, from: number, seeds: number, threads: number, twice: boolean): Promise<number> {
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
    onJob: (done) => {
      runs += done.runs;
      steps += done.steps;
      for (const [what, count] of done.counts) counts.set(what, (counts.get(what) ?? 0) + count);
      for (const { seed, what } of done.failures) {
        if (printed++ < MOST_PRINTED) console.log(`violation by seed ${seed}: ${what}`);
      }
      const now = performance.now();
      if (now - printedAt < 5_000) return;
      printedAt = now;
      console.log(`${runs} of ${seeds} seeds, ${Math.round((runs * 1000) / (now - startedAt))} seeds/s`);
    },
  });
  const seconds = (performance.now() - startedAt) / 1000;
  for (const [what, count] of [...counts].sort((a, b) => b[1] - a[1]))
    console.log(`${String(count).padStart(10)} ${what}`);
  console.log(
    `${runs} seeds, ${steps} steps, ${seconds.toFixed(1)} s, ${Math.round(runs / seconds)} seeds/s on ${threads} threads: ` +
      `${failures.length} violations`,
  );
  return failures.length === 0 ? 0 : 1;
}

/** Looks for the first seed that catches each planted bug, and proves that the same seed passes without it. */
async function hunt(
  root: string,
  mutants: readonly Mutant[],
  from: number,
  seeds: number,
  threads: number,
): Promise<number> {
  await using clean = await openPool(root, [], 1);
  let missed = 0;
  for (const { name, patches, digits } of mutants) {
    await using pool = await openPool(root, patches, threads);
    const [failure] = await pool.run({ from, seeds, digits, twice: false, untilFailure: true });
    if (failure === undefined) {
      missed++;
      console.log(`missed ${name}: ${seeds} seeds passed`);
      continue;
    }
    const { seed, what } = failure;
    console.log(`caught ${name} by seed ${seed}: ${what}`);
    const [unpatched] = await clean.run({ from: seed, seeds: 1, twice: true, untilFailure: false });
    if (unpatched === undefined) continue;
    missed++;
    console.log(`but seed ${seed} fails without it too: ${unpatched.what}`);
  }
  console.log(`${mutants.length - missed} of ${mutants.length} planted bugs caught`);
  return missed === 0 ? 0 : 1;
}
