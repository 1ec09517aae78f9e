import type { FailPoint } from '../../src/failpoint.ts';
import type { Random } from '../simulation/random.ts';
import type { FaultKind, RunShape } from './faults/fault.ts';
import { FAULTS } from './faults/faults.ts';
import { atPoint, type PlannedKill } from './kill.ts';
import type { CaptureProfile } from './profile.ts';

/** What is restarted while the service goes on. */
export const RESTARTS = ['source, fast', 'source, immediate', 'replica, immediate', 'broker, SIGKILL'] as const;
export type Restart = (typeof RESTARTS)[number];

/** A fault, and what it is to strike. */
export interface PlannedFault {
  readonly kind: 'fault';
  readonly fault: FaultKind;
  readonly target: string;
}

export interface Plan {
  /** For while the first copy is made. */
  readonly snapshot: readonly PlannedKill[];
  readonly stream: readonly (PlannedKill | PlannedFault | { readonly kind: 'restart'; readonly what: Restart })[];
}

/** Passed once per start. */
const START_POINTS: readonly FailPoint[] = ['source.claimed', 'sink.claimed'];
const LONGEST_DELAY_MS = 3000;

/** Half of the kills at fail points, each of them once before any twice; the others at random moments, a few by SIGTERM. */
export function planKills(profile: CaptureProfile, kills: number, restarts: readonly Restart[], random: Random): Plan {
  if (kills === 0) return { snapshot: [], stream: [] };
  const snapshot = profile.planCopyKills(Math.max(profile.leastCopyKills, Math.round(kills / 4)), random);
  const left = Math.max(0, kills - snapshot.length);
  const atPoints = Math.max(0, Math.floor(kills / 2) - snapshot.filter(({ kind }) => kind === 'failpoint').length);
  const points = shuffled(profile.streamPoints, random);
  const stream: Plan['stream'][number][] = [];
  for (let i = 0; i < left; i++) {
    if (i < atPoints) stream.push(armed(profile, points[i % points.length] as FailPoint, random));
    else stream.push({ kind: i % 5 === 4 ? 'SIGTERM' : 'SIGKILL', delayMs: random.below(LONGEST_DELAY_MS) });
  }
  const wanted = kills < 10 ? 0 : Math.floor(kills / 6);
  for (let i = 0; i < wanted; i++) stream.push({ kind: 'restart', what: restarts[i % restarts.length] as Restart });
  return { snapshot, stream: shuffled(stream, random) };
}

/** The same plan with faults among its kills, each kind as often as wanted, on its targets in turn. What cannot be caused is left out. */
export function withFaults(
  { snapshot, stream }: Plan,
  wanted: ReadonlyMap<FaultKind, number>,
  shape: RunShape,
  random: Random,
): Plan {
  const faults = [...wanted].flatMap(([kind, times]): PlannedFault[] => {
    const targets = FAULTS.get(kind)?.targets(shape) ?? [];
    if (targets.length === 0) return [];
    return Array.from({ length: times }, (_, i) => ({
      kind: 'fault',
      fault: kind,
      target: targets[i % targets.length] as string,
    }));
  });
  return faults.length === 0 ? { snapshot, stream } : { snapshot, stream: shuffled([...stream, ...faults], random) };
}

/** A fail point of the stream, armed for a passage that comes within a second or so. */
function armed({ passages }: CaptureProfile, point: FailPoint, random: Random): PlannedKill {
  if (START_POINTS.includes(point)) return atPoint(point, 1, random);
  if (point === 'sink.ddl-replayed') return atPoint(point, 3, random);
  return atPoint(point, point.startsWith('sink.') ? Math.min(8, passages) : passages, random);
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const left = [...list];
  return Array.from(list, () => left.splice(random.below(left.length), 1)[0] as T);
}
