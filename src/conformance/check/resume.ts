import type { Kill } from '../gate.ts';
import { settles } from '../patience.ts';
import { ConformanceError, type ConformanceCheck } from '../source-kit.ts';
import { World } from '../world.ts';

/** How many places to die at are tried, and how far they lie apart. */
interface Plan {
  readonly calls: number;
  readonly exchanges: number;
  readonly step: number;
}
const PLANS: Readonly<Record<'short' | 'long', Plan>> = {
  short: { calls: 70, exchanges: 60, step: 9 },
  long: { calls: 130, exchanges: 130, step: 1 },
};
/** A process that does not come to its place within this is killed where it is. */
const LIFE_MS = 1_000;
/** A copy that never ends would be killed for ever. */
const COPY_KILLS = 150;

export const resume: ConformanceCheck = {
  property: 'resume',
  promise: 'Wherever the process is killed, the next one goes on without loss and without a duplicate in the replica.',
  async run(kit, place) {
    await using world = await World.open(kit, place);
    const plan = PLANS[place.effort];
    world.beginSink();
    const killed: string[] = [];
    await underLoad(world, killed, async () => {
      for (let n = 1; killed.length < COPY_KILLS; n += plan.step) {
        if (!(await dies(world, { at: 'call', n }, killed))) break;
      }
    });
    const parts: [Kill['at'], number][] = [
      ['call', plan.calls],
      ['exchange', plan.exchanges],
    ];
    for (const [at, most] of parts) {
      await underLoad(world, killed, async () => {
        for (let n = at === 'call' ? 2 : 1; n <= most; n += plan.step) await dies(world, { at, n }, killed);
      });
    }
    return `${killed.length} kills`;
  },
};

/** Lets `act` kill processes while sessions write, then has one go on, and compares. */
async function underLoad(world: World, killed: string[], act: () => Promise<void>): Promise<void> {
  const writers = world.write();
  const from = killed.length;
  try {
    await act();
  } finally {
    await writers.stop();
  }
  const life = await world.begin();
  try {
    await world.caughtUp();
    await life.stop(world.patienceMs);
  } catch (error) {
    if (!(error instanceof ConformanceError)) throw error;
    throw new ConformanceError(`${error.message}; killed ${killed.slice(from).join(', ')}`, { cause: error });
  }
}

/** One process that is killed at a place, or where it is when it does not come there. False when it had streamed by then. */
async function dies(world: World, kill: Kill, killed: string[]): Promise<boolean> {
  const life = await world.begin({ kill });
  if (!(await settles(life.ended, LIFE_MS))) await life.kill();
  else await life.buried();
  life.assertFit();
  if (life.diedAt === undefined) throw new ConformanceError('The source ended by itself');
  killed.push(life.diedAt);
  return life.progress.state !== 'streaming';
}
