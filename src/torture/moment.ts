import type { FailPoint } from '../failpoint.ts';

/** The moments at which a kill is of interest; which ones a run must have hit depends on the source. */
export const MOMENTS = [
  'during the snapshot',
  'below the point of a copy',
  'inside a transaction',
  'published without checkpoint',
  'checkpointed without acknowledgement',
  'inside the target transaction',
  'COMMIT unanswered',
  'other',
] as const;
export type Moment = (typeof MOMENTS)[number];

/** What was found after a kill and before the restart, and at the target just before it. */
export interface Scene {
  /** Where the service killed itself; undefined when it was killed from outside. */
  readonly point: FailPoint | undefined;
  /** The replica had seen the end of the first copy. */
  readonly consistent: boolean;
  /** All tables are copied, and the stream was bringing their rows to one moment. */
  readonly isCatchingUp: boolean;
  /** What the log has behind the last checkpoint that counts: nothing, whole transactions, or a part of one. */
  readonly tail: 'nothing' | 'whole' | 'part';
  /** What the server has noted as acknowledged lies before the last checkpoint's position. */
  readonly unacknowledged: boolean;
  /** What the sink's session at the target was doing. */
  readonly target: 'idle' | 'in transaction' | 'committing';
}

/** Fail points to arm when chance has left a moment out. */
export const POINTS_OF: Readonly<Record<Moment, readonly FailPoint[]>> = {
  'during the snapshot': [],
  'below the point of a copy': [],
  'inside a transaction': ['source.part-stored'],
  'published without checkpoint': ['log.data-stored'],
  'checkpointed without acknowledgement': ['log.checkpoint-stored', 'source.before-acknowledge'],
  'inside the target transaction': ['sink.before-commit', 'sink.chunk-applied'],
  'COMMIT unanswered': ['sink.commit-sent'],
  other: [],
};

/** Names the moment of a kill. A fail point of the sink says it all; what the source has left behind shows in the log and the slot. */
export function momentOf({ point, consistent, isCatchingUp, tail, unacknowledged, target }: Scene): Moment {
  if (isCatchingUp) return 'below the point of a copy';
  if (!consistent) return 'during the snapshot';
  if (point === 'sink.commit-sent') return 'COMMIT unanswered';
  if (point === 'sink.chunk-applied' || point === 'sink.before-commit') return 'inside the target transaction';
  if (point === 'sink.claimed' || point === 'sink.committed') return 'other';
  if (point === undefined && target === 'committing') return 'COMMIT unanswered';
  if (point === undefined && target === 'in transaction') return 'inside the target transaction';
  if (point === 'log.data-stored' && tail !== 'nothing') return 'published without checkpoint';
  if (tail !== 'nothing') return tail === 'part' ? 'inside a transaction' : 'published without checkpoint';
  if (point === 'source.acknowledged' || point === 'source.claimed') return 'other';
  return unacknowledged ? 'checkpointed without acknowledgement' : 'other';
}
