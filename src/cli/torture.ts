import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Environment } from '../connector/reference.ts';
import { describeError, OperatorError } from '../errors.ts';
import { PROGRAM } from '../program.ts';
import { canStartKafka } from '../servers/kafka-server.ts';
import type { CaptureName, LogName } from '../torture/names.ts';
import type { FaultKind } from '../torture/faults/fault.ts';
import { PROFILES } from '../torture/profiles/profiles.ts';
import { StandstillError } from '../torture/stage.ts';
import { divide, divideFaults } from '../torture/options.ts';
import { Report } from '../torture/report.ts';
import { SERVICE_OUTPUT, torture } from '../torture/torture.ts';
import { stopSignal } from './stop-signal.ts';

export interface TortureRun {
  readonly source: CaptureName;
  /** One campaign on each, one after the other. */
  readonly logs: readonly LogName[];
  /** Of Kafka. */
  readonly brokers: number;
  readonly kills: number;
  /** How often each kind of fault is to strike. */
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** Kills and faults are divided among so many campaigns on each log, each of which begins with nothing. */
  readonly rounds: number;
  readonly seed: number;
  /** So long from the beginning of one kill or fault to that of the next, at least. */
  readonly paceMs: number;
  readonly keep: boolean;
  /** The main.js of the Rowcast that is killed; undefined: this one's. */
  readonly main: string | undefined;
}

type Runnable = TortureRun & { readonly main: string };

/** The program that runs now, as it is built. */
const OWN_MAIN = join(PROGRAM, 'main.js');

/** Kills daemons of its own under load, on servers of its own: 0 when nothing was lost, applied twice or torn, else 1. */
export async function runTorture(run: TortureRun, env: Environment): Promise<number> {
  const main = resolve(run.main ?? OWN_MAIN);
  if (!existsSync(main)) throw new OperatorError(`There is no ${main}`);
  // Before anything else: a campaign on the other log may take hours.
  if (run.logs.includes('kafka') && !(await canStartKafka())) {
    throw new OperatorError('No Kafka can be started here: that needs Java 17 or newer, and Maven', {
      advice: 'Install them, or add --log embedded.',
    });
  }
  using stop = stopSignal();
  let isClean = true;
  for (const log of run.logs) {
    if (!(await onLog(log, { ...run, main }, env, stop.signal))) isClean = false;
    if (stop.signal.aborted) return 1;
  }
  return isClean ? 0 : 1;
}

/** Its rounds; true when all of them are clean. */
async function onLog(log: LogName, run: Runnable, env: Environment, signal: AbortSignal): Promise<boolean> {
  const { kills, faults, rounds, seed } = run;
  const total = new Report(print);
  const faultsOf = divideFaults(faults, rounds);
  for (const [round, share] of divide(kills, rounds).entries()) {
    const own = { ...run, kills: share, faults: faultsOf[round] ?? faults, seed: seed + round };
    total.add(await oneRound(log, own, env, signal));
    if (signal.aborted) return false;
  }
  if (rounds > 1) {
    total.line('');
    total.histogram();
    total.verdict(rounds);
  }
  return total.isClean;
}

/** One campaign. What it leaves behind is removed, but for that of a failure, or where it is to be kept. */
async function oneRound(
  log: LogName,
  { source, brokers, kills, faults, seed, paceMs, keep, main }: Runnable,
  env: Environment,
  signal: AbortSignal,
): Promise<Report> {
  const directory = await mkdtemp(join(tmpdir(), `rowcast-torture-${log}-`));
  await chmod(directory, 0o711); // root's servers run as another user, below it
  const profile = PROFILES[source];
  const report = new Report(print);
  try {
    await torture({ profile, log, brokers, kills, faults, seed, paceMs, keep, directory, main, env }, report, signal);
  } catch (error) {
    if (signal.aborted) print('stopped');
    else report.failed(explain(error));
  }
  const isOfInterest = keep || !(report.isClean || signal.aborted);
  if (isOfInterest && existsSync(join(directory, SERVICE_OUTPUT)))
    print(`kept: ${directory} (${SERVICE_OUTPUT} is what the service said)`);
  else await rm(directory, { recursive: true, force: true });
  return report;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** What stood still or was refused is told without a stack; anything else is a mistake of the harness. */
function explain(error: unknown): string {
  if (error instanceof OperatorError && error.advice !== undefined) return `${describeError(error)}\n${error.advice}`;
  const known = error instanceof StandstillError || error instanceof OperatorError;
  return known || !(error instanceof Error) ? describeError(error) : `${describeError(error)}\n${error.stack}`;
}
