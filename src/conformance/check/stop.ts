import { setTimeout as sleep } from 'node:timers/promises';
import { sessionsLeft } from '../server-state.ts';
import type { ConformanceCheck } from '../source-kit.ts';
import { eventually } from '../patience.ts';
import { World } from '../world.ts';

const STOP_MS = 30_000;

export const stop: ConformanceCheck = {
  property: 'clean stop',
  promise:
    'Told to stop, the source ends, whatever it is doing, leaves no connection behind, and the next one goes on.',
  async run(kit, place) {
    await using world = await World.open(kit, place);
    const patienceMs = Math.min(STOP_MS, world.patienceMs);
    world.beginSink();
    let batches = 0;
    const observe = (): void => void batches++;
    const stops = async (): Promise<void> => {
      await world.life.stop(patienceMs);
      await gone(world, patienceMs);
    };
    await world.begin({ observe });
    await world.until(() => batches > 0, 'a first batch');
    await stops();
    const writers = world.write();
    const rounds = place.effort === 'long' ? 30 : 5;
    for (let round = 0; round < rounds; round++) {
      batches = 0;
      await world.begin({ observe });
      await world.until(() => batches > round % 4, 'batches');
      await sleep(round);
      await stops();
    }
    await writers.stop();
    await world.begin();
    await world.caughtUp();
    await stops();
    await world.begin();
    const rows = await world.caughtUp();
    await stops();
    return `${rounds + 3} stops, ${rows} rows equal`;
  },
};

async function gone({ life, source }: World, patienceMs: number): Promise<void> {
  await eventually(
    () => life.wire.connections === 0,
    patienceMs,
    () => `its connections to end: ${life.wire.connections} are left`,
  );
  let left: readonly string[] = [];
  await eventually(
    async () => {
      left = await sessionsLeft(source.client);
      return left.length === 0;
    },
    patienceMs,
    () => `the server to be rid of ${left.join(', ')}`,
  );
}
