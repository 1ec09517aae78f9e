import type { FailPoint } from '../../failpoint.ts';
import type { LogName } from '../names.ts';

/** Every start passes these once, whatever it captures and wherever to, in this order. */
export const START_POINTS: readonly FailPoint[] = [
  'worker.state-locked',
  'worker.file-written',
  'worker.file-named',
  'worker.listening',
  'source.topics-ready',
  'source.held',
  'source.claimed',
  'source.owned',
  'sink.before-claim',
  'sink.claimed',
];

/** Fail points behind every kind of source, in the order in which a row passes them. */
export const COMMON_POINTS: readonly FailPoint[] = [
  'source.batch-read',
  'source.batch-encoded',
  'log.before-data',
  'log.data-stored',
  'log.checkpoint-stored',
  'source.part-stored',
  'source.before-acknowledge',
  'source.acknowledged',
  'sink.checkpoints-read',
  'sink.begun',
  'sink.rows-copied',
  'sink.chunk-applied',
  'sink.before-commit',
  'sink.commit-sent',
  'sink.committed',
  'sink.released',
];

/** What only one of the logs has: at each start, and while rows pass. */
export const LOG_POINTS: Readonly<Record<LogName, readonly FailPoint[]>> = {
  embedded: ['log.locked', 'log.recovered', 'log.segment-rolled', 'log.kept-written', 'log.file-removed'],
  kafka: ['log.produce-sent'],
};

/** What only the embedded log has of the very first start. */
export const FIRST_LOG_POINTS: Readonly<Record<LogName, readonly FailPoint[]>> = {
  embedded: ['log.file-written', 'log.file-named'],
  kafka: [],
};

/** The very first start passes them, in this order, and a later one only as far as an earlier one was killed. */
export const FIRST_POINTS: readonly FailPoint[] = ['worker.id-made', 'log.before-topics', 'log.topics-created'];

/** Passed when the first tables are announced, on both sides. */
export const FIRST_TABLE_POINTS: readonly FailPoint[] = [
  'source.start-marked',
  'registry.before-store',
  'registry.stored',
  'sink.table-made',
  'sink.copy-begun',
];

/** Passed once in a minute or two: a file of the log is full, or a transaction is longer than a batch. */
export const RARE_POINTS: readonly FailPoint[] = [
  'source.part-stored',
  'source.idle-stored',
  'log.segment-rolled',
  'log.kept-written',
  'log.file-removed',
];
