import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { generateDdlScenario } from './generate/ddl-scenario.ts';
import { generateScenario } from './generate/generate.ts';
import type { Plant } from './plant.ts';
import { printScenario } from './print-scenario.ts';
import { type Outcome, runRound } from './round.ts';
import type { Scenario } from './scenario.ts';
import { shrink, sizeOf } from './shrink.ts';

export interface FuzzOptions {
  readonly server: ConnectionSettings;
  readonly seed: number;
  readonly rounds: number;
  /** The first round, to begin in the middle. */
  readonly first: number;
  readonly plant?: Plant | undefined;
  /** How long failures may be shrunk. */
  readonly shrinkMs: number;
  readonly patienceMs: number;
  /** Rounds with DDL replication, instead of without. */
  readonly ddl?: boolean | undefined;
  /** Goes on behind a failure. */
  readonly goOn: boolean;
  readonly print: (line: string) => void;
}

/** What a run came to. */
export interface Verdict {
  readonly rounds: number;
  readonly statements: number;
  /** Numbers of the rounds that went wrong. */
  readonly failed: readonly number[];
}

/** Runs the rounds of a seed; a failure is shrunk and printed as SQL. */
export async function fuzz(options: FuzzOptions, signal: AbortSignal): Promise<Verdict> {
  const { seed, print } = options;
  const failed: number[] = [];
  let statements = 0;
  let rounds = 0;
  for (let round = options.first; round < options.first + options.rounds && !signal.aborted; round++) {
    const scenario = options.ddl === true ? generateDdlScenario(seed, round) : generateScenario(seed, round);
    const outcome = await endingRound(scenario, options, round);
    rounds++;
    statements += outcome.statements;
    print(progress(round, outcome));
    if (outcome.problem === undefined) continue;
    failed.push(round);
    print(`FAILED  seed ${seed}, round ${round}: ${outcome.problem}`);
    await explain(scenario, outcome.problem, round, options, signal);
    if (!options.goOn) break;
  }
  return { rounds, statements, failed };
}

/** Longer than every wait of a round together: what takes longer stands for ever, and says where to look. */
const HANGS_MS = 240_000;

async function endingRound(scenario: Scenario, options: FuzzOptions, round: number): Promise<Outcome> {
  const over = new AbortController();
  const hangs = sleep(HANGS_MS, undefined, { signal: over.signal }).then(() => {
    throw new Error(`Round ${round} of seed ${options.seed} hangs`);
  });
  hangs.catch(() => undefined); // a round that ends aborts it
  try {
    return await Promise.race([runRound(scenario, options), hangs]);
  } finally {
    over.abort();
  }
}

function progress(round: number, { statements, refused, rows, problem }: Outcome): string {
  const verdict = problem === undefined ? `${rows} rows equal` : 'NOT EQUAL';
  return `round ${round}: ${statements} statements, ${refused} refused by the source, ${verdict}`;
}

async function explain(
  scenario: Scenario,
  problem: string,
  round: number,
  options: FuzzOptions,
  signal: AbortSignal,
): Promise<void> {
  if (options.shrinkMs === 0) return;
  const deadline = Date.now() + options.shrinkMs;
  let last = problem;
  const stillFails = async (fewer: Scenario): Promise<boolean> => {
    const outcome = await runRound(fewer, { ...options, patienceMs: Math.min(options.patienceMs, 5_000) });
    if (outcome.problem === undefined || kind(outcome.problem) !== kind(problem)) return false;
    last = outcome.problem;
    return true;
  };
  const smallest = await shrink(scenario, stillFails, () => signal.aborted || Date.now() > deadline);
  options.print(
    `from ${sizeOf(scenario)} statements to ${sizeOf(smallest)}:\n${printScenario(smallest)}\n-- ${last.replaceAll('\n', '\n-- ')}`,
  );
  const { seed, ddl, plant } = options;
  const more = `${ddl === true ? ' --ddl' : ''}${plant === undefined ? '' : ` --plant ${plant}`}`;
  options.print(`again: npm run fuzz:replica -- --seed ${seed} --first ${round} --rounds 1${more}`);
}

/** Another failure is another bug: what shrinks must stay of one kind. */
function kind(problem: string): string {
  return problem.slice(0, 20).replaceAll(/\d+/g, '0');
}
