import type { CopyProgress } from '../change/copy-state.ts';
import type { Position } from '../change/position.ts';
import type { Stage } from './stage.ts';

/** What a running source counts, for people; kept by the caller across restarts. */
export interface SourceProgress {
  state: 'starting' | 'snapshot' | 'streaming';
  stage: Stage;
  changes: number;
  records: number;
  bytes: number;
  checkpoints: number;
  position: Position | undefined;
  /** The copy of the tables: the one that runs, or the last one of this process. */
  snapshot?: CopyProgress | undefined;
  /** When this process began that copy, or went on with it, in milliseconds since 1970, and how many rows it had by then. */
  copyBegan?: { readonly at: number; readonly rows: number } | undefined;
  /** Commit time of the last checkpointed transaction, milliseconds since 1970. */
  committedAt: number;
  /** When the log had it, and the source knew; absent before the first. */
  storedAt?: number;
}
