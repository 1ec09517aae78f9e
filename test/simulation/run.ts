import { Cast } from './cast.ts';
import { Scheduler } from './scheduler.ts';
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

/** The last transaction must have arrived this many steps after the healing. */
const HEALED_STEPS = 6_000;
/** Goes on for a while when all has arrived: late requests and zombies must not spoil it. */
const AFTERMATH_STEPS = 60;

/** Runs one seed: a hostile time, healing, one more transaction that must arrive, and a while longer. */
export async function runSeed(seed: number, print?: (line: string) => void): Promise<RunResult> {
  const scheduler = new Scheduler(seed, print);
  const world = new World(scheduler);
  const cast = new Cast(world);
  const hostileSteps = world.random.between(100, 500);
  for (let i = 0; i < world.random.between(0, 4); i++) world.postgres.commit();
  while (scheduler.steps < hostileSteps && world.failure === undefined) {
    disturb(world, cast);
    await step(scheduler);
  }
  heal(world.hazards);
  cast.heal();
  scheduler.note('healed', scheduler.steps);
  world.postgres.commit();
  const limit = scheduler.steps + HEALED_STEPS;
  while (!hasArrived(world) && world.failure === undefined) {
    if (scheduler.steps > limit) world.violation(`nothing arrives any more: ${cast.describe()}`);
    await step(scheduler);
  }
  for (let i = 0; i < AFTERMATH_STEPS && world.failure === undefined; i++) await step(scheduler);
  const { counting, inParts, ignored } = world.checker;
  world.counts.set('checkpoint that counts', counting);
  world.counts.set('checkpoint in parts', inParts);
  world.counts.set('checkpoint that does not count', ignored);
  return { seed, trace: scheduler.hash >>> 0, steps: scheduler.steps, failure: world.failure, counts: world.counts };
}

/** One thing happens, and everybody who waited for it goes on until they wait again. */
function step(scheduler: Scheduler): Promise<void> {
  scheduler.step();
  return new Promise((resolve) => setImmediate(resolve));
}

function hasArrived({ target, postgres }: World): boolean {
  const { transactions } = postgres.database;
  const end = transactions.at(-1)?.endLsn ?? 0;
  return target.committed.applied.transactions === transactions.length && (postgres.slot?.confirmed ?? 0) >= end;
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
