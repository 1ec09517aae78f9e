import { FAIL_POINTS, type FailPoint } from '../../src/failpoint.ts';
import type { Random } from '../simulation/random.ts';

/** How the service is to end. A fail point is armed when the service starts; signals come `delayMs` after something new was applied. */
export type PlannedKill =
  | { readonly kind: 'failpoint'; readonly point: FailPoint; readonly passage: number }
  | { readonly kind: 'SIGKILL' | 'SIGTERM'; readonly delayMs: number };

/** What is restarted while the service goes on. */
export const RESTARTS = ['source, fast', 'source, immediate', 'replica, immediate', 'broker, SIGKILL'] as const;
export type Restart = (typeof RESTARTS)[number];

export interface Plan {
  /** For while the first copy is made. */
  readonly snapshot: readonly PlannedKill[];
  readonly stream: readonly (PlannedKill | { readonly kind: 'restart'; readonly what: Restart })[];
}

/** Passed only until the first copy is consistent. */
export const COPY_POINTS: readonly FailPoint[] = [
  'source.slot-created',
  'source.snapshot-batch',
  'source.chunk-stored',
  'source.copy-gone-on',
  'source.catching-up',
];
/** Passed once per start. */
const START_POINTS: readonly FailPoint[] = ['source.claimed', 'sink.claimed', ...COPY_POINTS];
const STREAM_POINTS = FAIL_POINTS.filter((point) => !COPY_POINTS.includes(point));
const LONGEST_DELAY_MS = 3000;
const LONGEST_DELAY_IN_COPY_MS = 400;

/** Half of the kills at fail points, each of them once before any twice; the others at random moments, a few by SIGTERM. */
export function planKills(kills: number, restarts: readonly Restart[], random: Random): Plan {
  const snapshot = planCopyKills(Math.max(4, Math.round(kills / 4)), random);
  const left = Math.max(0, kills - snapshot.length);
  const atPoints = Math.max(0, Math.floor(kills / 2) - snapshot.filter(({ kind }) => kind === 'failpoint').length);
  const points = shuffled(STREAM_POINTS, random);
  const stream: Plan['stream'][number][] = [];
  for (let i = 0; i < left; i++) {
    if (i < atPoints) stream.push(armed(points[i % points.length] as FailPoint, random));
    else stream.push({ kind: i % 5 === 4 ? 'SIGTERM' : 'SIGKILL', delayMs: random.below(LONGEST_DELAY_MS) });
  }
  const wanted = kills < 10 ? 0 : Math.floor(kills / 6);
  for (let i = 0; i < wanted; i++) stream.push({ kind: 'restart', what: restarts[i % restarts.length] as Restart });
  return { snapshot, stream: shuffled(stream, random) };
}

/** A fail point, armed for a passage that comes within a second or so. */
export function armed(point: FailPoint, random: Random): PlannedKill {
  const most = START_POINTS.includes(point)
    ? 1
    : point === 'sink.ddl-replayed'
      ? 3
      : point.startsWith('sink.')
        ? 8
        : 25;
  return { kind: 'failpoint', point, passage: random.between(1, most) };
}

/**
 * A copy that was begun is gone on with, so its moments come in this order: the slot is created once, then batches become fewer with every
 * kill, and the stream brings the rows to one moment when all were copied.
 */
function planCopyKills(count: number, random: Random): PlannedKill[] {
  const at = (point: FailPoint, most: number): PlannedKill => ({
    kind: 'failpoint',
    point,
    passage: random.between(1, most),
  });
  const inCopy = [
    (): PlannedKill => at('source.chunk-stored', 4),
    (): PlannedKill => at('source.copy-gone-on', 1),
    (): PlannedKill => ({ kind: 'SIGKILL', delayMs: random.below(LONGEST_DELAY_IN_COPY_MS) }),
    (): PlannedKill => at('source.snapshot-batch', 15),
  ];
  const catchingUp = Math.ceil(count / 5);
  return [
    at('source.slot-created', 1),
    at('source.snapshot-batch', 40),
    ...Array.from({ length: count - 2 - catchingUp }, (_, i) => (inCopy[i % inCopy.length] as () => PlannedKill)()),
    ...Array.from({ length: catchingUp }, () => at('source.catching-up', 3)),
  ];
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const left = [...list];
  return Array.from(list, () => left.splice(random.below(left.length), 1)[0] as T);
}
