import type { FailPoint } from '../failpoint.ts';
import type { Random } from './random.ts';
import type { FaultKind, RunShape } from './faults/fault.ts';
import { FAULTS } from './faults/faults.ts';
import { atPoint, type PlannedKill } from './kill.ts';
import type { CaptureProfile } from './profile.ts';
import {
  FIRST_LOG_POINTS,
  FIRST_POINTS,
  FIRST_TABLE_POINTS,
  LOG_POINTS,
  RARE_POINTS,
  START_POINTS,
} from './profiles/passed.ts';
import type { Restart } from './restart.ts';

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

/** So many kills have some to spare for the first start of all. */
const MANY_KILLS = 30;
/** A first copy has only so many chunks. */
const MOST_COPY_KILLS = 60;
/** Passed once in some seconds, or twice in a start and then seldom. */
const SELDOM: readonly FailPoint[] = ['log.locked', 'log.recovered', 'sink.released', 'sink.rows-copied'];
const LONGEST_DELAY_MS = 2000;

/** Half of the kills at fail points, each of them once before any twice; the others at random moments, a few by SIGTERM. */
export function planKills(
  profile: CaptureProfile,
  log: RunShape['log'],
  kills: number,
  restarts: readonly Restart[],
  random: Random,
): Plan {
  if (kills === 0) return { snapshot: [], stream: [] };
  const first = kills < MANY_KILLS ? [] : firstPoints(profile, log).map((point) => atPoint(point, 1, random));
  const wantedInCopy = Math.min(Math.max(profile.leastCopyKills, Math.round(kills / 4)), MOST_COPY_KILLS);
  // What only comes before the first checkpoint was met by then.
  const isMet = (kill: PlannedKill): boolean =>
    kill.kind === 'failpoint' && first.some((each) => each.kind === 'failpoint' && each.point === kill.point);
  const snapshot = [...first, ...profile.planCopyKills(wantedInCopy, random).filter((kill) => !isMet(kill))];
  const left = Math.max(0, kills - snapshot.length);
  const atPoints = Math.max(0, Math.floor(kills / 2) - snapshot.filter(({ kind }) => kind === 'failpoint').length);
  const points = shuffled(streamPoints(profile, log), random);
  const stream: Plan['stream'][number][] = [];
  for (let i = 0; i < left; i++) {
    if (i < atPoints) stream.push(armed(profile, points[i % points.length] as FailPoint, random));
    else stream.push({ kind: i % 5 === 4 ? 'SIGTERM' : 'SIGKILL', delayMs: random.below(LONGEST_DELAY_MS) });
  }
  const wanted = kills < 10 ? 0 : Math.floor(kills / 6);
  for (let i = 0; i < wanted; i++) stream.push({ kind: 'restart', what: restarts[i % restarts.length] as Restart });
  return { snapshot, stream: shuffled(stream, random) };
}

/** The points of the very first start of a profile on a log, in the order in which it comes to them. */
function firstPoints({ firstPoints }: CaptureProfile, log: RunShape['log']): FailPoint[] {
  const isOfTables = (point: FailPoint): boolean => FIRST_TABLE_POINTS.includes(point);
  return [
    ...FIRST_POINTS.slice(0, 1),
    ...FIRST_LOG_POINTS[log],
    ...FIRST_POINTS.slice(1),
    ...firstPoints.filter((point) => !isOfTables(point)),
    ...firstPoints.filter(isOfTables),
  ];
}

/** The points that are passed again and again behind the copy. */
function streamPoints(profile: CaptureProfile, log: RunShape['log']): FailPoint[] {
  return [...START_POINTS, ...profile.startPoints, ...profile.streamPoints, ...LOG_POINTS[log]];
}

/** Every fail point that a profile has on a log. */
export function pointsOf(profile: CaptureProfile, log: RunShape['log']): ReadonlySet<FailPoint> {
  return new Set([...firstPoints(profile, log), ...profile.copyPoints, ...streamPoints(profile, log)]);
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
function armed({ passages, startPoints }: CaptureProfile, point: FailPoint, random: Random): PlannedKill {
  const isOnce = [...START_POINTS, ...startPoints, ...RARE_POINTS, ...SELDOM].includes(point);
  if (isOnce) return atPoint(point, 1, random);
  if (point === 'sink.ddl-replayed' || point === 'sink.ddl-met' || point === 'sink.tables-emptied')
    return atPoint(point, 3, random);
  return atPoint(point, point.startsWith('sink.') ? Math.min(8, passages) : passages, random);
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const left = [...list];
  return Array.from(list, () => left.splice(random.below(left.length), 1)[0] as T);
}
