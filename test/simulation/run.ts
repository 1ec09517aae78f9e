import { Cast } from './cast.ts';
import { simulateCopy } from './copies/run.ts';
import { simulateStreamingCopies } from './copies/streaming.ts';
import { simulatePolls } from './polls/run.ts';
import { Scheduler } from './scheduler.ts';
import { harm, mayHarm } from './world/harm.ts';
import { HARMED_SEEDS } from './world/harmed-seeds.ts';
import { heal, type Hazards } from './world/hazards.ts';
import { World } from './world/world.ts';

/** What one seed led to. */
export interface RunResult {
  readonly seed: number;
  /** Hash of everything that happened, in order. */
  readonly trace: number;
  readonly steps: number;
  readonly failure: string | undefined;
  readonly counts: ReadonlyMap<string, number>;
}

/** The last transaction must have arrived this many steps after the healing, and some more for what was not applied before. */
const HEALED_STEPS = 6_000;
const HEALED_STEPS_PER_STEP = 4;
/** Goes on for a while when all has arrived: late requests and zombies must not spoil it. */
const AFTERMATH_STEPS = 60;
const STEPS_PER_TURN = 100;
/** The last digit of seeds in which sources start with wider lists now and then. */
const WIDE_SEEDS = 7;
/** Every so many seeds an operator resets the source now and then. */
const RESET_SEEDS = 5;
const RESETS = 0.01;
/** The last digit of seeds whose log forgets at once what is released, while processes are frozen, replaced, and wake up. */
const FORGETFUL_SEEDS = 3;
const FORGETFUL: Partial<Hazards> = { freeze: 0.02, replace: 1, wake: 0.02 };

/** Runs one seed: a hostile time, healing, one more transaction that must arrive, and a while longer; and a copy that is killed. */
export async function runSeed(seed: number, print?: (line: string) => void): Promise<RunResult> {
  const scheduler = new Scheduler(seed, print);
  const world = new World(scheduler);
  if (seed % RESET_SEEDS === 0) {
    world.hazards.reset = RESETS;
    world.isReset = true;
  }
  world.hasWide = seed % 10 === WIDE_SEEDS;
  if (seed % 10 === FORGETFUL_SEEDS) {
    Object.assign(world.hazards, FORGETFUL);
    world.isForgetful = true;
  }
  if (HARMED_SEEDS.includes(seed % 10)) mayHarm(world);
  await drive(play(world, new Cast(world)));
  const { refusals } = world.checker;
  const { counting, inParts, ignored } = world.checker.ledger;
  world.counts.set('checkpoint that counts', counting);
  world.counts.set('checkpoint in parts', inParts);
  world.counts.set('checkpoint that does not count', ignored);
  world.counts.set('sink waits for its successor', refusals);
  const count = (what: string): void => world.count(what);
  const failure =
    world.failure ??
    (await simulateCopy(seed, count)) ??
    (await simulateStreamingCopies(seed, count)) ??
    (await simulatePolls(seed, count));
  return { seed, trace: scheduler.hash >>> 0, steps: scheduler.steps, failure, counts: world.counts };
}

/** The whole run; pauses after every step, so that everybody who waited for it goes on until they wait again. */
function* play(world: World, cast: Cast): Generator<void, void, void> {
  const { scheduler, random, postgres } = world;
  const hostileSteps = random.between(100, 500);
  for (let i = random.between(0, 3); i > 0; i--) postgres.commit();
  while (scheduler.steps < hostileSteps && world.failure === undefined) {
    disturb(world, cast);
    scheduler.step();
    yield;
  }
  heal(world.hazards);
  world.isTold = false;
  cast.heal();
  scheduler.note('healed', scheduler.steps);
  // A source that nobody writes to does not look at its log: it hears of a reset with the next change.
  while (cast.hasOperator && world.failure === undefined) {
    scheduler.step();
    yield;
  }
  postgres.commit();
  const limit = scheduler.steps * (1 + HEALED_STEPS_PER_STEP) + HEALED_STEPS;
  while (!hasArrived(world) && !world.isTold && world.failure === undefined) {
    if (scheduler.steps > limit) world.violation(`nothing arrives any more: ${cast.describe()}`);
    scheduler.step();
    yield;
  }
  for (let i = 0; i < AFTERMATH_STEPS && world.failure === undefined; i++) {
    scheduler.step();
    yield;
  }
}

/**
 * Takes one step per immediate: between two immediates Node runs every promise reaction. Many are queued at once, because
 * a turn of the event loop costs more than a step.
 */
function drive(steps: Iterator<void, void, void>): Promise<void> {
  return new Promise((resolve, reject) => {
    let isDone = false;
    const step = (): void => {
      if (isDone) return;
      try {
        isDone = steps.next().done === true;
      } catch (error) {
        isDone = true;
        reject(error);
      }
    };
    const turn = (): void => {
      if (isDone) return resolve();
      for (let i = 0; i < STEPS_PER_TURN; i++) setImmediate(step);
      setImmediate(turn);
    };
    turn();
  });
}

function hasArrived({ target, postgres }: World): boolean {
  const last = postgres.database.transactions.at(-1);
  const { applied, progress } = target.committed;
  const { truth, transactions } = applied;
  if (progress?.consistent !== true || truth === undefined || transactions !== truth.transactions.length) return false;
  return truth.transactions.at(-1) === last && (postgres.slot?.confirmed ?? 0) >= (last?.endLsn ?? 0);
}

const DISTURBANCES: readonly [keyof Hazards, (world: World, cast: Cast) => void][] = [
  ['write', ({ postgres }) => postgres.commit()],
  ['otherWal', ({ postgres }) => postgres.database.otherWal()],
  ['slotSave', ({ postgres }) => postgres.save()],
  ['crash', (_, cast) => cast.crash()],
  ['stop', (_, cast) => cast.stop()],
  ['freeze', (_, cast) => cast.freeze()],
  ['wake', (_, cast) => cast.wake()],
  ['postgresCrash', (world) => disturbed(world, 'source crash', () => world.postgres.crash())],
  ['targetCrash', (world) => disturbed(world, 'target crash', () => world.target.crash())],
  ['terminateSession', (world) => disturbed(world, 'session ended', () => world.postgres.terminate())],
  ['foreignWrite', (world) => world.count(world.storage.writeForeign())],
  ['retention', (world) => world.expire()],
  ['reset', (_, cast) => cast.reset()],
  ['harm', harm],
];

/** At most one thing from outside per step. */
function disturb(world: World, cast: Cast): void {
  for (const [hazard, action] of DISTURBANCES) {
    if (!world.random.chance(world.hazards[hazard])) continue;
    world.scheduler.note(hazard, 0);
    return action(world, cast);
  }
}

function disturbed(world: World, what: string, action: () => void): void {
  world.count(what);
  action();
}
