import type { CopyProgress } from '../change/copy-state.ts';
import type { SourceProgress } from '../pipeline/source-progress.ts';

/**
 * About how many seconds a copy still takes, as fast as it went since this process began it or went on with it; undefined while nothing tells that, and
 * when nothing is left. `now` in milliseconds since 1970.
 */
export function secondsLeft(
  { snapshot, copyBegan }: Pick<SourceProgress, 'snapshot' | 'copyBegan'>,
  now: number,
): number | undefined {
  if (snapshot === undefined || copyBegan === undefined || isDone(snapshot)) return undefined;
  const copied = snapshot.rows - copyBegan.rows;
  const left = snapshot.estimatedRows - snapshot.rows;
  if (copied <= 0 || left <= 0) return undefined;
  return Math.ceil((left * Math.max(1, now - copyBegan.at)) / copied / 1000);
}

/** Every table of it is copied. */
export function isDone({ tables, tablesDone, percent }: CopyProgress): boolean {
  return tablesDone === tables && percent === 100;
}
