import type { CopyProgress } from '../change/copy-state.ts';
import type { Clock } from '../clock.ts';
import { isDone, secondsLeft } from './copy-left.ts';
import type { Logger } from '../observe/logger.ts';

/** A copy of hours fills no log, and one of minutes is seen to go on. */
const TELL_MS = 30_000;

/** Logs how far a copy is, now and then and when it is whole. */
export function copyTeller(logger: Logger, connector: string, clock: Clock): (progress: CopyProgress) => void {
  let toldAt = clock.monotonic();
  let isWhole = false;
  let began: { readonly at: number; readonly rows: number } | undefined;
  let last: CopyProgress | undefined;
  return (progress) => {
    const { table, tables, tablesDone, rows, estimatedRows, percent } = progress;
    if (began === undefined || last === undefined || last.table !== table || last.rows > rows)
      began = { at: clock.monotonic(), rows };
    last = { ...progress };
    if (table !== undefined && percent === 100) {
      isWhole = true;
      return logger.info('table copied while streaming', { connector, table, rows });
    }
    const wasWhole = isWhole;
    isWhole = isDone(progress);
    if (isWhole && wasWhole) return;
    if (isWhole) return logger.info('tables copied', { connector, tables, rows });
    if (clock.monotonic() - toldAt < TELL_MS) return;
    toldAt = clock.monotonic();
    const left = secondsLeft({ snapshot: progress, copyBegan: began }, clock.monotonic());
    logger.info('tables are being copied', {
      connector,
      table,
      tables,
      tablesDone,
      rows,
      estimatedRows,
      percent,
      secondsLeft: left,
    });
  };
}
