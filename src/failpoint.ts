import { writeSync } from 'node:fs';

/** The places where a kill hurts most, in the order in which a row passes them. `rowcast torture` reaches every one that a way to capture has. */
export const FAIL_POINTS = [
  'worker.id-made',
  'worker.state-locked',
  'log.locked',
  'log.recovered',
  'worker.file-written',
  'worker.file-named',
  'worker.listening',
  'source.topics-ready',
  'source.capture-installed',
  'source.publication-made',
  'source.held',
  'source.claimed',
  'source.owned',
  'source.before-slot',
  'source.slot-created',
  'source.snapshot-open',
  'source.triggers-made',
  'source.reader-noted',
  'source.start-marked',
  'source.copy-planned',
  'source.snapshot-batch',
  'source.chunk-stored',
  'source.copy-ended',
  'source.copy-gone-on',
  'source.stream-open',
  'source.catching-up',
  'source.poll-begun',
  'source.poll-read',
  'source.poll-settled',
  'source.events-read',
  'source.batch-read',
  'log.before-topics',
  'log.topics-created',
  'registry.before-store',
  'registry.stored',
  'source.batch-encoded',
  'log.before-data',
  'log.produce-sent',
  'log.data-stored',
  'log.checkpoint-stored',
  'log.segment-rolled',
  'log.file-written',
  'log.file-named',
  'log.kept-written',
  'log.file-removed',
  'source.part-stored',
  'source.idle-stored',
  'source.before-acknowledge',
  'source.events-forgotten',
  'source.acknowledged',
  'sink.before-claim',
  'sink.claimed',
  'sink.checkpoints-read',
  'sink.begun',
  'sink.table-made',
  'sink.copy-begun',
  'sink.rows-copied',
  'sink.tables-emptied',
  'sink.ddl-met',
  'sink.ddl-replayed',
  'sink.chunk-applied',
  'sink.before-commit',
  'sink.commit-sent',
  'sink.committed',
  'sink.released',
] as const;
export type FailPoint = (typeof FAIL_POINTS)[number];

const armed = parse(process.env.ROWCAST_FAILPOINT);

/**
 * Kills this process with SIGKILL when the environment arms the place: `ROWCAST_FAILPOINT=name` at its first passage,
 * `name:7` at its seventh. Otherwise it costs one comparison.
 */
export function failPoint(name: FailPoint): void {
  if (armed === undefined || armed.name !== name || --armed.passages > 0) return;
  writeSync(2, `failpoint ${name}\n`); // what a worker thread writes to process.stderr would be lost with the process
  process.kill(process.pid, 'SIGKILL');
}

function parse(setting: string | undefined): { name: string; passages: number } | undefined {
  if (!setting) return undefined;
  const [name, passages] = setting.split(':');
  if (!FAIL_POINTS.includes(name as FailPoint)) throw new Error(`ROWCAST_FAILPOINT names no fail point: ${name}`);
  return { name: name as FailPoint, passages: Number(passages ?? 1) };
}
