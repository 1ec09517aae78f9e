import type { Fault } from './fault.ts';

const HOUR_MS = 3_600_000;
/** How far the clock jumps at least and at most, in hours. */
const JUMPS: Readonly<Record<string, readonly [least: number, most: number]>> = {
  'hours ahead': [2, 12],
  'hours back': [-12, -2],
  'a day ahead': [24, 24],
  'a day back': [-24, -24],
};
/** How far the time of a checkpoint may be from that of the clock: how old it is, and how long it took to look. */
const TOLERANCE_MS = HOUR_MS / 2;
const LOOK_EVERY_MS = 500;
/** How long nothing need be stored under the new time. */
const UNSTORED_MS = 30_000;

/** Somebody sets the service's clock, while it runs. It stays like that, and jumps add up. Hit is what has stored a checkpoint by the new time. */
export const clock: Fault = {
  kind: 'clock',
  targets: () => Object.keys(JUMPS),
  patienceMs: 120_000,
  async strike({ stage, random, until }, target) {
    const { daemonClock, log, signal } = stage;
    if (daemonClock === undefined) throw new Error('The service has the clock of the machine');
    const [least, most] = JUMPS[target] as readonly [number, number];
    await daemonClock.jump(random.between(least, most) * HOUR_MS);
    const since = performance.now();
    for (;;) {
      const storedAt = await log.storedAt(signal);
      if (storedAt !== undefined && Math.abs(storedAt - daemonClock.now) < TOLERANCE_MS) return true;
      if (performance.now() - since > UNSTORED_MS) return false;
      const lookAt = performance.now() + LOOK_EVERY_MS;
      await until(() => performance.now() > lookAt, 'the service ended when its clock was set');
    }
  },
};
