import type { Fate } from '../process.ts';
import type { Random } from '../../../src/torture/random.ts';

/** How hostile one run is. Rates are per request or per step of the simulation. */
export interface Hazards {
  /** Produce requests. */
  logLost: number;
  logUnanswered: number;
  logLate: number;
  /** All other requests to the log. */
  logRead: number;
  /** Requests to the source and the target. */
  source: number;
  commitLost: number;
  commitUnanswered: number;
  commitLate: number;
  crash: number;
  freeze: number;
  stop: number;
  /** How likely somebody starts a new process in a frozen one's place. */
  replace: number;
  wake: number;
  postgresCrash: number;
  targetCrash: number;
  terminateSession: number;
  foreignWrite: number;
  retention: number;
  slotSave: number;
  write: number;
  otherWal: number;
  /** An operator resets the source; only some seeds have it, see `runSeed`. */
  reset: number;
  /** Somebody takes history away; only some seeds have it. */
  harm: number;
}

/** A run's own mixture: each hazard is absent, seldom or frequent, so that some runs see one of them alone. */
export function chooseHazards(random: Random): Hazards {
  const rate = (frequent: number): number => random.pick([0, 0.2, 0.2, 1]) * frequent;
  return {
    logLost: rate(0.06),
    logUnanswered: rate(0.06),
    logLate: rate(0.06),
    logRead: rate(0.03),
    source: rate(0.03),
    commitLost: rate(0.08),
    commitUnanswered: rate(0.08),
    commitLate: rate(0.08),
    crash: rate(0.012),
    freeze: rate(0.01),
    stop: rate(0.004),
    replace: random.pick([0, 0.5, 1]),
    wake: 0.01,
    postgresCrash: rate(0.006),
    targetCrash: rate(0.006),
    terminateSession: rate(0.006),
    foreignWrite: rate(0.03),
    retention: rate(0.05),
    slotSave: 0.02,
    write: random.pick([0.03, 0.08, 0.15]),
    otherWal: random.pick([0, 0.02, 0.06]),
    reset: 0,
    harm: 0,
  };
}

/** Ends all hostility; what is already under way goes on. */
export function heal(hazards: Hazards): void {
  for (const name of Object.keys(hazards) as (keyof Hazards)[]) hazards[name] = 0;
  hazards.slotSave = 0.02;
}

/** The fate of a request that fails in one of three ways. */
export function fateOf(random: Random, lost: number, unanswered: number, late: number): Fate {
  if (random.chance(lost)) return 'lost';
  if (random.chance(unanswered)) return 'unanswered';
  return random.chance(late) ? 'late' : 'answered';
}
