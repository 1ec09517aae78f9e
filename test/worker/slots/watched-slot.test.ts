import { expect, test } from 'vitest';
import type { SlotLook } from '../../../src/source/wal/watch/slot-look.ts';
import { WatchedSlot } from '../../../src/worker/slots/watched-slot.ts';
import { ToldLogger } from '../connectors/fixture.ts';

const MB = 1024 ** 2;
const SETTINGS = { slot: 'rowcast', slotBudgetBytes: 1000 * MB, slotBudgetPolicy: 'drop' } as const;

interface World {
  readonly logger: ToldLogger;
  readonly watched: WatchedSlot;
  /** A look, some seconds later, at a slot that keeps so many megabytes. */
  readonly look: (keepsMb: number | undefined, confirmedMb?: number) => void;
  /** Sets the time of day so many milliseconds ahead, or back. */
  readonly setClock: (ms: number) => void;
}

function world(stepMs: number = 5000): World {
  const logger = new ToldLogger();
  let now = 0;
  let ahead = 0;
  let end = 0;
  const watched = new WatchedSlot('shop', { now: () => now + ahead, monotonic: () => now }, logger);
  return {
    logger,
    watched,
    setClock(ms) {
      ahead += ms;
    },
    look(keepsMb, confirmedMb = 0) {
      now += stepMs;
      end = Math.max(end, ((keepsMb ?? 0) + 1) * MB);
      const look: SlotLook = {
        walEnd: end,
        nextXid: now,
        running: undefined,
        prepared: undefined,
        slot:
          keepsMb === undefined
            ? undefined
            : {
                restartLsn: end - keepsMb * MB,
                confirmedLsn: confirmedMb * MB,
                walStatus: 'reserved',
                safeWalBytes: undefined,
                invalidation: undefined,
                pid: 1,
                waitEvent: undefined,
                catalogXminAge: 0,
              },
      };
      watched.see(look, SETTINGS, undefined);
    },
  };
}

const facts = ({ lines }: ToldLogger): string[] => lines.map((line) => line.slice(0, line.indexOf(' {')));

test('every crossing of a threshold is told once', () => {
  const { logger, look } = world(3_600_000);
  for (const keeps of [100, 100, 510, 520, 490, 810, 820, 1200, 1300, 100, 100]) look(keeps);
  expect(facts(logger)).toEqual([
    'warn slot keeps much WAL',
    'warn slot has almost no room left',
    'error slot keeps more WAL than its budget',
    'info slot is well again',
  ]);
  expect(logger.lines[0]).toContain('"connector":"shop","slot":"rowcast","level":"warning"');
  expect(logger.lines[2]).toContain('"limitBytes":1048576000');
  expect(logger.lines[2]).toContain('"advice"');
});

test('a budget that is used up for a moment drops nothing', () => {
  const { watched, look } = world();
  const seen: boolean[] = [];
  for (const keeps of [1200, 1200, 100, 1200, 1200, 1200]) {
    look(keeps);
    seen.push(watched.isToDrop(SETTINGS));
  }
  expect(seen).toEqual([false, false, false, false, false, true]);
  expect(watched.isToDrop({ ...SETTINGS, slotBudgetPolicy: 'warn' })).toBe(false);
});

test('a slot that is not there is told only when it was', () => {
  const { logger, watched, look } = world();
  look(undefined);
  expect(watched.view).toBeUndefined();
  look(10);
  look(undefined);
  expect(watched.view?.concern).toContain('does not exist');
  expect(facts(logger)).toEqual(['warn slot is gone']);
});

test('a clock that is set is neither growth nor a stall', () => {
  const { watched, look, setClock } = world();
  for (const keeps of [20, 30, 40]) look(keeps, 12);
  const pace = watched.view?.finding.bytesPerSecond;
  for (const hours of [3, -7]) {
    setClock(hours * 3_600_000);
    look(50, 12);
    const { at = 0, standsSince = 0, finding } = watched.view ?? {};
    expect(at - standsSince).toBeLessThan(30_000);
    expect(Math.sign(finding?.bytesPerSecond ?? 0)).toBe(Math.sign(pace ?? 0));
  }
});

test('shows since when nothing was acknowledged, while more is written', () => {
  const { watched, look } = world();
  look(10, 11);
  expect(watched.view?.standsSince).toBeUndefined();
  look(20, 12);
  expect(watched.view?.standsSince).toBe(10_000);
  look(30, 12);
  expect(watched.view?.standsSince).toBe(10_000);
  expect(watched.view?.lag).toEqual({ bytes: 19 * MB, transactions: expect.any(Number) });
  look(31, 32);
  expect(watched.view?.standsSince).toBeUndefined();
});

test('shows nothing after a look that has failed', () => {
  const { watched, look } = world();
  look(10);
  watched.forget();
  expect(watched.view).toBeUndefined();
  expect(watched.lag(0)).toBeUndefined();
});
