import type { CopyProgress } from '../change/copy-state.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../observe/logger.ts';

/** A copy of hours fills no log, and one of minutes is seen to go on. */
const TELL_MS = 30_000;

/** Logs how far a copy is, now and then and when it is whole. */
export function copyTeller(logger: Logger, connector: string, clock: Clock): (progress: CopyProgress) => void {
  let toldAt = clock.now();
  let isWhole = false;
  return ({ tables, tablesDone, rows, estimatedRows, percent, table }) => {
    if (table !== undefined && percent === 100) {
      isWhole = true;
      return logger.info('table copied while streaming', { connector, table, rows });
    }
    const wasWhole = isWhole;
    isWhole = tablesDone === tables && percent === 100;
    if (isWhole && wasWhole) return;
    if (isWhole) return logger.info('tables copied', { connector, tables, rows });
    if (clock.now() - toldAt < TELL_MS) return;
    toldAt = clock.now();
    logger.info('tables are being copied', {
      connector,
      tables,
      tablesDone,
      rows,
      estimatedRows,
      percent,
      ...(table && { table }),
    });
  };
}
