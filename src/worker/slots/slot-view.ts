import type { SlotFinding } from '../../source/wal/watch/judge-slot.ts';
import type { WalLag } from '../../source/wal/watch/wal-marks.ts';

/** What was seen last of the slot of a connector, plain data for REST and metrics. */
export interface SlotView {
  readonly slot: string;
  /** When it was looked at, milliseconds since 1970. */
  readonly at: number;
  readonly finding: SlotFinding;
  /** One sentence about what is not well; undefined when all is. */
  readonly concern: string | undefined;
  /** What is to be done about it. */
  readonly advice: string | undefined;
  /** How far the log is behind the end of the server's WAL. */
  readonly lag: WalLag | undefined;
  /** Since when nothing was acknowledged although more was written; undefined while it moves. */
  readonly standsSince: number | undefined;
}
