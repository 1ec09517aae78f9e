import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { OperatorError } from '../../errors.ts';
import { OF_ANOTHER_CONTAINER, type Run } from '../service.ts';
import type { Stage } from '../stage.ts';
import type { Fault } from './fault.ts';

/** A stop that outlasts the sessions: a server with a network in between gives them up after ten seconds. */
const LONGEST_STOP_MS = 12_000;
/** How long one that wakes up may take to find out, and then to do damage. */
const NOTICE_MS = 60_000;
const DAMAGE_MS = 2500;
const END_MS = 20_000;
/** One of another container waits ten seconds for a lock, and then there is a backlog. */
const TAKE_OVER_MS = 120_000;
/** How a process says that it is not the owner any more. */
const STANDS_BY =
  /Another process runs connector|A newer process of daemon|Daemon \S+ owns|runs in another process too|lock was lost|is open in process/;

/**
 * The service is stopped in the middle (a suspended virtual machine, a long pause), a second one of the same files takes over, and then the
 * first one wakes up. It must write nothing, neither to the log nor to the replica, and stand by or end with a word about it.
 */
export const zombie: Fault = {
  kind: 'zombie',
  targets: () => ['daemon'],
  patienceMs: 120_000,
  async strike({ stage, run, random, until }) {
    const { service, watcher, workload, log, report, signal } = stage;
    run.kill('SIGSTOP');
    const stoppedAt = performance.now();
    const claim = await log.lastClaim(signal);
    if (claim === undefined) throw new Error('A service that applies changes has no claim');
    const { committed } = workload;
    const { epoch } = watcher.standing;
    service.takeOver();
    // What was committed later cannot have come from the one that is stopped.
    const isHeirs = (): boolean => watcher.standing.epoch > epoch && watcher.standing.ledger > committed;
    await until(isHeirs, 'nobody took over from a service that was stopped', TAKE_OVER_MS);
    const left = random.below(LONGEST_STOP_MS) - (performance.now() - stoppedAt);
    if (left > 0) await sleep(left, undefined, { signal });
    const ends = await log.ends(signal);
    const heirs = watcher.standing.epoch;
    const words = listen(run);
    run.kill('SIGCONT');
    const wokenAt = performance.now();
    const isOver = (): boolean => run.exit !== undefined || words.isEveryoneHeard();
    await until(() => isOver() || performance.now() - wokenAt > NOTICE_MS, 'the heir ended');
    if (!isOver()) report.problem(`A service that woke up said nothing of its heir: ${words.missing()}`);
    await sleep(DAMAGE_MS, undefined, { signal });
    const strays = await log.writtenSince(ends, claim, signal);
    if (strays > 0) report.problem(`A service that woke up wrote ${strays} records into the log`);
    const raised = watcher.standing.epoch - heirs;
    if (raised > 0) report.problem(`After a service woke up the target was claimed ${raised} times`);
    report.strays += strays + raised;
    await bury(run, stage);
    return true;
  },
};

/** Throws OperatorError where no process can be started that sees no others: there nobody can take an embedded log over. */
export async function assertNamespaces(): Promise<void> {
  try {
    await promisify(execFile)('unshare', [...OF_ANOTHER_CONTAINER, 'true']);
  } catch (cause) {
    throw new OperatorError('A process of another container cannot be started here', {
      cause,
      advice: 'Run on Linux as a user who may use unshare (root), or leave zombie out.',
    });
  }
}

/** Hears of each connector whether it stands by. */
function listen(run: Run): { isEveryoneHeard(): boolean; missing(): string } {
  const silent = new Set(['torture-source', 'torture-replica']);
  run.listen((line) => {
    if (!STANDS_BY.test(line)) return;
    for (const name of silent) if (line.includes(`"connector":"${name}"`)) silent.delete(name);
  });
  return { isEveryoneHeard: () => silent.size === 0, missing: () => [...silent].join(', ') };
}

/** Ends one that stands by, as an operator does. */
async function bury(run: Run, { report }: Stage): Promise<void> {
  if (run.exit === undefined) run.kill('SIGTERM');
  const exit = await Promise.race([run.exited, sleep(END_MS, undefined, { ref: false })]);
  if (exit?.code === 0) return;
  run.kill('SIGKILL');
  report.problem(
    `A service that woke up and stood by did not end in order:\n${JSON.stringify(exit ?? 'not at all')} ${run.lastWords}`,
  );
}
