import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch } from '../../change/batch.ts';
import { ConformanceError, type ConformanceCheck } from '../source-kit.ts';
import { World } from '../world.ts';

/** Checkpoints of an idle source: ten a second at most (PROTOCOL, source 5), and a few for what was before. */
const PER_SECOND = 10;
const SPARE = 5;
/** A server may write by itself, though nobody else does. */
const WINDOWS = 20;
const XMAX = /* sql */ `select pg_snapshot_xmax(pg_current_snapshot())::text as xmax`;

/** What a source has handed on. */
class Handed {
  changes = 0;
  empty = 0;

  observe({ length }: Batch): void {
    if (length > 0) this.changes += length;
    else this.empty++;
  }
}

export const idle: ConformanceCheck = {
  property: 'idle',
  promise:
    'Where nobody writes nothing is sent but few checkpoints, a change does not wait for the next one, and the server keeps nothing.',
  async run(kit, place) {
    await using world = await World.open(kit, place);
    const handed = new Handed();
    await world.begin({ observe: (batch) => handed.observe(batch) });
    world.beginSink();
    await world.caughtUp();
    await released(world);
    await world.stopSink(); // it writes to what may be the same server
    const windowMs = place.effort === 'long' ? 12_000 : 2_500;
    const seen = await quietWindow(world, handed, windowMs);
    if (seen.changes > 0) throw new ConformanceError(`${seen.changes} changes were sent though nobody had written`);
    const most = SPARE + (PER_SECOND * windowMs) / 1000;
    if (seen.empty > most) throw new ConformanceError(`${seen.empty} idle batches came in ${windowMs} ms`);
    world.beginSink();
    await world.caughtUp(); // by one row that nothing follows
    await released(world);
    return `${seen.empty} idle checkpoints in ${windowMs} ms`;
  },
};

/** What is handed on while the source's server writes nothing; only who repeats itself depends on that. */
async function quietWindow({ source, kit }: World, handed: Handed, windowMs: number): Promise<Handed> {
  const xmax = async (): Promise<string | undefined> => (await source.query<{ xmax: string }>(XMAX))[0]?.xmax;
  for (let window = 1; ; window++) {
    const [changes, empty, before] = [handed.changes, handed.empty, await xmax()];
    await sleep(windowMs);
    const isQuiet = before === (await xmax());
    const seen = Object.assign(new Handed(), { changes: handed.changes - changes, empty: handed.empty - empty });
    if (!kit.claims.repeats || (isQuiet && (seen.changes === 0 || window > 1))) return seen;
    if (window === WINDOWS) throw new ConformanceError('The server was never quiet: somebody else writes to it');
  }
}

async function released(world: World): Promise<void> {
  const keeps = await world.kit.keeps?.(world.source.client, world.connector);
  if (keeps === undefined) return;
  await world.until(async () => !(await keeps()), 'the server to keep nothing for the source that the log has');
}
