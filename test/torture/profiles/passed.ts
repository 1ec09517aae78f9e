import type { FailPoint } from '../../../src/failpoint.ts';

/** Fail points behind every kind of source, in the order in which a row passes them. */
export const COMMON_POINTS: readonly FailPoint[] = [
  'source.claimed',
  'source.batch-read',
  'log.data-stored',
  'log.checkpoint-stored',
  'source.before-acknowledge',
  'source.acknowledged',
  'sink.claimed',
  'sink.chunk-applied',
  'sink.before-commit',
  'sink.commit-sent',
  'sink.committed',
];
