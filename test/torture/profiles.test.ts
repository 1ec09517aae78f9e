import { expect, test } from 'vitest';
import { FAIL_POINTS } from '../../src/failpoint.ts';
import { Random } from '../../src/torture/random.ts';
import { POINTS_OF } from '../../src/torture/moment.ts';
import { FAULT_KINDS } from '../../src/torture/faults/fault.ts';
import { FAULTS } from '../../src/torture/faults/faults.ts';
import { planKills, pointsOf, withFaults } from '../../src/torture/plan.ts';
import { restartsOf } from '../../src/torture/restart.ts';
import { PROFILES } from '../../src/torture/profiles/profiles.ts';

const profiles = Object.values(PROFILES);

const logs = ['embedded', 'kafka'] as const;

test('every fail point is reached by some way to capture', () => {
  const reached = new Set(profiles.flatMap((profile) => logs.flatMap((log) => [...pointsOf(profile, log)])));
  expect(FAIL_POINTS.filter((point) => !reached.has(point))).toEqual([]);
  expect(FAIL_POINTS.length).toBeGreaterThanOrEqual(50);
});

test.each(profiles.flatMap((profile) => logs.map((log) => ({ name: profile.name, log, profile }))))(
  '$name on $log: many kills reach every fail point that it has, and none that it has not',
  ({ profile, log }) => {
    const { snapshot, stream } = planKills(profile, log, 200, restartsOf(1), new Random(1));
    const planned = [...snapshot, ...stream].flatMap((each) => (each.kind === 'failpoint' ? [each.point] : []));
    expect(new Set(planned)).toEqual(pointsOf(profile, log));
    expect([...snapshot, ...stream].filter(({ kind }) => kind !== 'restart')).toHaveLength(200);
  },
);

test.each(profiles)(
  '$name: a moment that chance has left out can be tried for',
  ({ moments, copyPoints, streamPoints }) => {
    const points = [...copyPoints, ...streamPoints];
    const missing = moments.filter((moment) => !POINTS_OF[moment].every((point) => points.includes(point)));
    expect(missing).toEqual([]);
  },
);

test.each(profiles)(
  '$name: every fault that can be caused strikes as often as it was asked for, on all that it can strike',
  (profile) => {
    const wanted = new Map(FAULT_KINDS.map((kind) => [kind, 6]));
    const none = planKills(profile, 'kafka', 0, restartsOf(1), new Random(1));
    const planned = (log: 'embedded' | 'kafka', brokers: number): Map<string, number> => {
      const counts = new Map<string, number>();
      for (const step of withFaults(none, wanted, { log, source: profile.name, brokers }, new Random(1)).stream) {
        if (step.kind === 'fault') counts.set(step.fault, (counts.get(step.fault) ?? 0) + 1);
      }
      return counts;
    };
    const left = (...kinds: string[]): string[] =>
      FAULT_KINDS.filter((kind) => !kinds.includes(kind) && (kind !== 'walsender' || profile.name === 'wal'));
    expect(new Set(planned('kafka', 1).keys())).toEqual(new Set(left('disk-full', 'stop-broker')));
    expect(new Set(planned('kafka', 3).keys())).toEqual(new Set(left('disk-full')));
    expect(new Set(planned('embedded', 0).keys())).toEqual(new Set(left('restart-broker', 'stop-broker')));
    expect(new Set(planned('kafka', 3).values())).toEqual(new Set([6]));
  },
);

test('of several brokers each is struck in its turn', () => {
  const none = planKills(PROFILES.wal, 'kafka', 0, restartsOf(3), new Random(1));
  const wanted = new Map([['stop-broker', 6]] as const);
  const plan = withFaults(none, wanted, { log: 'kafka', source: 'wal', brokers: 3 }, new Random(1));
  const struck = plan.stream.map((step) => (step.kind === 'fault' ? step.target : step.kind));
  expect(struck.toSorted()).toEqual(['broker 1', 'broker 1', 'broker 2', 'broker 2', 'broker 3', 'broker 3']);
  expect(FAULTS.get('restart-broker')?.targets({ log: 'kafka', source: 'wal', brokers: 1 })).toEqual([
    'broker, SIGKILL',
  ]);
  expect([0, 1, 3].map((count) => restartsOf(count).length)).toEqual([3, 4, 6]);
});
