import { setTimeout as sleep } from 'node:timers/promises';
import type { FailPoint } from '../failpoint.ts';
import type { Random } from './random.ts';
import type { Fault, Field } from './faults/fault.ts';
import { FAULTS } from './faults/faults.ts';
import { atPoint, type PlannedKill } from './kill.ts';
import { type Moment, momentOf, POINTS_OF, type Scene } from './moment.ts';
import type { Plan, PlannedFault } from './plan.ts';
import { FIRST_LOG_POINTS, FIRST_POINTS, FIRST_TABLE_POINTS, RARE_POINTS } from './profiles/passed.ts';
import { restartServer } from './restart.ts';
import { lookAtSource, lookAtTarget } from './scene.ts';
import type { Exit, Run } from './service.ts';
import { assertAlive, type Stage, StandstillError } from './stage.ts';
import type { Standing } from './watcher.ts';

/** After this long without anything new at the replica the run has failed: it hangs. */
const STANDSTILL_MS = 60_000;
/** A fail point that is not reached in this time, since something new was applied, is given up, and the kill comes from outside. */
const REACH_MS = 20_000;
/** A file of the log that is full, or a giant transaction, may be long in coming. */
const RARE_MS = 150_000;
/** What only the very first start passes cannot be tried for again. */
const FIRST: ReadonlySet<FailPoint> = new Set([
  ...FIRST_POINTS,
  ...FIRST_TABLE_POINTS,
  ...Object.values(FIRST_LOG_POINTS).flat(),
]);
const STOP_MS = 20_000;
const LOOK_EVERY_MS = 5;
/** How often a moment that chance has left out is tried for. */
const EXTRA_TRIES = 12;
/** A fault strikes so long, at most, after something new was applied. */
const LONGEST_WAIT_MS = 2000;
/** How often a fault is tried again that has met nothing. */
const VAIN_TRIES = 3;
/** How often a kill is tried again because nothing was in flight. */
const IDLE_TRIES = 10;

/** Kills the service, starts it again at once, and sees how it goes on. */
export class Campaign {
  readonly #stage: Stage;
  readonly #random: Random;
  readonly #paceMs: number;
  /** The last kill, until it is known how it went on. */
  #last: { readonly number: number; readonly how: string; readonly moment: Moment } | undefined;
  #number = 0;

  /** With a pace, each step behind the copy begins so long after the one before, or when that has ended. */
  constructor(stage: Stage, random: Random, paceMs: number = 0) {
    this.#stage = stage;
    this.#random = random;
    this.#paceMs = paceMs;
  }

  async run(plan: Plan): Promise<void> {
    const { report } = this.#stage;
    for (const kill of plan.snapshot) report.kills += await this.#inFlight(kill);
    await this.finishCopy();
    for (const step of plan.stream) {
      const due = performance.now() + this.#paceMs;
      if (step.kind === 'restart') await this.#restart(step.what);
      else if (step.kind === 'fault') await this.#fault(step);
      else report.kills += await this.#inFlight(step);
      if (this.#paceMs > 0) await this.#wait(due);
    }
  }

  async #wait(due: number): Promise<void> {
    const run = await this.#unarmed();
    await this.#follow(run, this.#stage.watcher.standing, () => performance.now() >= due, 'nothing new was applied');
  }

  /** Kills until something was in flight; 1 when there was. */
  async #inFlight(kill: PlannedKill): Promise<number> {
    for (let i = 0; i < IDLE_TRIES; i++) if (await this.#counted(kill)) return 1;
    return 0;
  }

  /** Kills for moments and for those fail points that have not been met, up to a limit. */
  async fillUp(points: readonly FailPoint[]): Promise<void> {
    const { profile, report } = this.#stage;
    const missingMoments = (): readonly Moment[] =>
      profile.moments.filter((moment) => POINTS_OF[moment].length > 0 && report.moments.get(moment) === 0);
    const missingPoint = (): FailPoint | undefined =>
      points.find((point) => !report.points.has(point) && !FIRST.has(point) && !profile.copyPoints.includes(point));
    for (let i = 0; i < EXTRA_TRIES; i++) {
      const moments = missingMoments();
      const point = moments.length === 0 ? missingPoint() : this.#random.pick(POINTS_OF[this.#random.pick(moments)]);
      if (point === undefined) return;
      // The first passage is reached at once, but may be of something else: a claim, say. Then later ones.
      report.extraKills += await this.#inFlight(atPoint(point, 1 + i, this.#random));
    }
  }

  /** Lets the first copy end. */
  async finishCopy(): Promise<void> {
    const { watcher } = this.#stage;
    const run = await this.#unarmed();
    await this.#follow(run, watcher.standing, () => watcher.standing.consistent, 'the first copy is not finished');
  }

  /** Waits until something new was applied by the running service, and tells of the last kill. */
  async settle(): Promise<void> {
    const run = await this.#unarmed();
    await this.#follow(run, this.#stage.watcher.standing, () => this.#last === undefined, 'nothing new was applied');
  }

  /** 1 when the kill counts: something was in flight. */
  async #counted(kill: PlannedKill): Promise<number> {
    const { report, watcher, workload } = this.#stage;
    const run = await this.#startFor(kill);
    const mark = watcher.standing;
    const target = await this.#end(run, kill, mark);
    const inFlight = workload.open > 0 || workload.committed > watcher.standing.ledger;
    const exit = await this.#ended(run);
    this.#tellLast(undefined);
    const point = run.reached ? (run.failPoint?.split(':')[0] as FailPoint) : undefined;
    this.#checkExit(run, kill, exit);
    const { consistent } = mark.consistent ? mark : watcher.standing;
    const moment = momentOf({ point, consistent, target, ...(await lookAtSource(this.#stage)) });
    const how = run.reached ? `SIGKILL at ${run.failPoint}` : howOf(kill);
    this.#last = { number: ++this.#number, how: inFlight ? how : `${how}, nothing in flight`, moment };
    if (point !== undefined) report.points.set(point, (report.points.get(point) ?? 0) + 1);
    if (!inFlight) return 0;
    report.moments.set(moment, (report.moments.get(moment) ?? 0) + 1);
    return 1;
  }

  /** A service that is armed as the kill wants it: one that runs already is only good for a kill from outside. */
  async #startFor(kill: PlannedKill): Promise<Run> {
    if (kill.kind !== 'failpoint') return await this.#unarmed();
    await this.stop();
    return this.#stage.service.start(`${kill.point}:${kill.passage}`);
  }

  async #unarmed(): Promise<Run> {
    const { service } = this.#stage;
    if (service.running?.failPoint !== undefined) throw new Error('An armed service was left running');
    return service.running ?? service.start();
  }

  /** Waits until the service has killed itself, or kills it at its moment; returns what the sink was doing just before. */
  async #end(run: Run, kill: PlannedKill, mark: Standing): Promise<Scene['target']> {
    if (kill.kind === 'failpoint') {
      // What a copy passes comes as long as it is not consistent, however slow it is.
      const { profile, watcher } = this.#stage;
      const comesStill = (): boolean => profile.copyPoints.includes(kill.point) && !watcher.standing.consistent;
      let progressAt: number | undefined;
      const isOver = (): boolean => {
        if (this.#hasProgressed(mark)) progressAt ??= performance.now();
        const patience = RARE_POINTS.includes(kill.point) ? RARE_MS : REACH_MS;
        return progressAt !== undefined && performance.now() - progressAt > patience && !comesStill();
      };
      await this.#follow(run, mark, isOver, `fail point ${run.failPoint} is not reached`, true);
      if (run.exit !== undefined) return 'idle';
    } else {
      let progressAt: number | undefined;
      const isDue = (): boolean => {
        if (this.#hasProgressed(mark)) progressAt ??= performance.now();
        return progressAt !== undefined && performance.now() - progressAt >= kill.delayMs;
      };
      await this.#follow(run, mark, isDue, 'nothing new was applied');
    }
    const target = await lookAtTarget(this.#stage.servers.replica);
    run.kill(kill.kind === 'SIGTERM' ? 'SIGTERM' : 'SIGKILL');
    return target;
  }

  /** Waits for `isOver`, and tells of the last kill as soon as something new is applied. Only an armed service may end meanwhile. */
  async #follow(run: Run, mark: Standing, isOver: () => boolean, what: string, mayEnd: boolean = false): Promise<void> {
    const { signal } = this.#stage;
    let [seen, since] = [this.#stage.watcher.standing.checkpoint, performance.now()];
    for (;;) {
      const { checkpoint } = this.#stage.watcher.standing;
      if (checkpoint !== seen) [seen, since] = [checkpoint, performance.now()];
      if (this.#hasProgressed(mark)) this.#tellLast(performance.now() - run.startedAt);
      if (run.exit !== undefined) {
        if (mayEnd && run.reached) return;
        throw new StandstillError(`The service ended by itself (${describeExit(run.exit)}):\n${run.lastWords}`);
      }
      assertAlive(this.#stage);
      if (isOver()) return;
      if (performance.now() - since > STANDSTILL_MS) {
        throw new StandstillError(`After ${STANDSTILL_MS / 1000} s ${what}:\n${run.lastWords}`);
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal });
    }
  }

  async #ended(run: Run): Promise<Exit> {
    const over = await Promise.race([run.exited, sleep(STOP_MS, undefined, { ref: false })]);
    if (over) return over;
    this.#stage.report.problem(`The service did not end within ${STOP_MS / 1000} s of SIGTERM`);
    run.kill('SIGKILL');
    return await run.exited;
  }

  #checkExit(run: Run, kill: PlannedKill, exit: Exit): void {
    const { report } = this.#stage;
    if (kill.kind === 'SIGTERM' && exit.code !== 0) {
      report.problem(`SIGTERM ended the service with ${describeExit(exit)}:\n${run.lastWords}`);
    }
    if (kill.kind === 'failpoint' && !run.reached)
      report.line(`     fail point ${run.failPoint} was not reached in time`);
  }

  /** Stops a running service as an operator does. */
  async stop(): Promise<void> {
    const run = this.#stage.service.running;
    if (run === undefined) return;
    run.kill('SIGTERM');
    this.#checkExit(run, { kind: 'SIGTERM', delayMs: 0 }, await this.#ended(run));
  }

  async #restart(what: Parameters<typeof restartServer>[0]): Promise<void> {
    const { servers, watcher, workload, report } = this.#stage;
    const run = await this.#unarmed();
    const first = watcher.standing;
    await this.#follow(run, first, () => this.#hasProgressed(first), 'nothing new was applied');
    const downAt = performance.now();
    await restartServer(what, servers, watcher);
    const upAt = performance.now();
    await this.#follow(run, watcher.standing, () => watcher.standing.checkpoint >= 0, 'the replica cannot be read');
    // Of a source, rows must come that it did not have before; of the others, any that the replica did not have.
    const known = what.startsWith('source') ? workload.committed : watcher.standing.ledger;
    const isBack = (): boolean => watcher.standing.consistent && watcher.standing.ledger > known;
    await this.#follow(run, watcher.standing, isBack, `nothing new was applied after a restart of the ${what}`);
    report.restart(what, upAt - downAt, performance.now() - upAt);
  }

  /** Strikes until something was hit, and sees each time how it goes on. */
  async #fault({ fault: kind, target }: PlannedFault): Promise<void> {
    const [stage, random] = [this.#stage, this.#random];
    const fault = FAULTS.get(kind) as Fault;
    for (let i = 0; i < VAIN_TRIES; i++) {
      const run = await this.#unarmed();
      const first = stage.watcher.standing;
      await this.#follow(run, first, () => this.#hasProgressed(first), 'nothing new was applied');
      await sleep(random.below(LONGEST_WAIT_MS), undefined, { signal: stage.signal });
      const field: Field = { stage, random, run, until: (...how) => this.#until(...how) };
      const startedAt = performance.now();
      const isHit = await fault.strike(field, target);
      const endedAt = performance.now();
      // What was committed after the fault was over must arrive.
      const known = stage.workload.committed;
      const isBack = (): boolean => stage.watcher.standing.consistent && stage.watcher.standing.ledger > known;
      await this.#until(isBack, `nothing new was applied after ${kind} (${target})`, fault.patienceMs);
      stage.report.fault(kind, target, isHit, endedAt - startedAt, performance.now() - endedAt);
      if (isHit) return;
    }
  }

  /** Waits, while the service that runs at the time goes on living. */
  async #until(isOver: () => boolean, what: string, patienceMs: number = STANDSTILL_MS): Promise<void> {
    const { service, signal } = this.#stage;
    for (const since = performance.now(); !isOver(); await sleep(LOOK_EVERY_MS, undefined, { signal })) {
      assertAlive(this.#stage);
      const { running } = service;
      if (running === undefined) throw new StandstillError(`The service ended by itself, and ${what}`);
      if (performance.now() - since > patienceMs) {
        throw new StandstillError(`After ${patienceMs / 1000} s ${what}:\n${running.lastWords}`);
      }
    }
  }

  /** A new row is there; while tables are copied a new checkpoint is as good. */
  #hasProgressed(mark: Standing): boolean {
    const { standing } = this.#stage.watcher;
    return standing.ledger > mark.ledger || (!standing.consistent && standing.checkpoint > mark.checkpoint);
  }

  #tellLast(resumedMs: number | undefined): void {
    if (this.#last === undefined) return;
    const { number, how, moment } = this.#last;
    this.#stage.report.kill(number, how, moment, resumedMs);
    this.#last = undefined;
  }
}

function howOf(kill: PlannedKill): string {
  return kill.kind === 'failpoint' ? 'SIGKILL from outside' : `${kill.kind} from outside`;
}

function describeExit({ code, signal }: Exit): string {
  return signal ?? `exit code ${code}`;
}
