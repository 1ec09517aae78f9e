import { eventually } from '../patience.ts';
import { serverState, sessionsLeft } from '../server-state.ts';
import { ConformanceError, type ConformanceCheck } from '../source-kit.ts';
import { World } from '../world.ts';

const WRITE_MS = 300;

export const uninstall: ConformanceCheck = {
  property: 'uninstall',
  promise:
    'Taken away, the source leaves the database as it was: no slot, publication, trigger, schema, lock or session, also after a kill.',
  async run(kit, place) {
    await using world = await World.open(kit, place);
    const { source, connector } = world;
    const before = await serverState(source.client);
    world.beginSink();
    const first = await world.begin();
    await world.caughtUp();
    await first.kill();
    const writers = world.write();
    await new Promise((resolve) => setTimeout(resolve, WRITE_MS));
    await writers.stop();
    const last = await world.begin();
    await world.caughtUp();
    await last.stop(world.patienceMs);
    await kit.uninstall(source.settings, connector);
    let left: readonly string[] = [];
    const isAsBefore = async (): Promise<boolean> => {
      const now = [...(await serverState(source.client)), ...(await sessionsLeft(source.client))];
      left = [...now.filter((line) => !before.includes(line)), ...missing(before, now)];
      return left.length === 0;
    };
    // A session that has ended is seen a little longer.
    await eventually(isAsBefore, Math.min(5_000, world.patienceMs), () => `the end of ${left.join(', ')}`);
    if (before.length === 0) throw new ConformanceError('Nothing was looked at');
    return `${before.length} objects as before`;
  },
};

function missing(before: readonly string[], now: readonly string[]): string[] {
  return before.filter((line) => !now.includes(line)).map((line) => `${line} (it was there before)`);
}
