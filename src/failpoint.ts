import { writeSync } from 'node:fs';

/** The places where a kill hurts most, in the order in which a row passes them. The torture harness reaches every one that a way to capture has. */
export const FAIL_POINTS = [
  'source.slot-created',
  'source.triggers-made',
  'source.reader-noted',
  'source.snapshot-batch',
  'source.chunk-stored',
  'source.copy-gone-on',
  'source.catching-up',
  'source.claimed',
  'source.poll-read',
  'source.batch-read',
  'log.data-stored',
  'log.checkpoint-stored',
  'source.before-acknowledge',
  'source.events-forgotten',
  'source.acknowledged',
  'sink.claimed',
  'sink.chunk-applied',
  'sink.ddl-replayed',
  'sink.before-commit',
  'sink.commit-sent',
  'sink.committed',
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
