import type { Stage } from '../pipeline/stage.ts';
import type { SourceProgress } from '../pipeline/source-progress.ts';
import type { SinkCounts } from './counting-sink.ts';
import type { SourceCounts } from './counting-source.ts';
import type { Work } from './work.ts';

/** What a connector is doing. `retrying` passes by itself, `failed` needs a person, `stopped` was asked for or has finished. */
export type ConnectorState = 'starting' | 'snapshot' | 'streaming' | 'retrying' | 'failed' | 'stopped';

/** Why a connector is not running, in words for a person. */
export interface ConnectorFailure {
  readonly message: string;
  readonly advice: string | undefined;
}

/**
 * Whose matter a failure is: it passes by itself (`unknown`: and whether something was stored is read back), another process is the owner
 * (`refused`), a person has to act, the position is lost (`lost`), a record cannot be handled, or Rowcast is wrong (a thread that died counts as that).
 */
export type FailureKind = 'transient' | 'unknown' | 'refused' | 'operator' | 'lost' | 'record' | 'bug';

/** How often a connector has failed since this process started. */
export type FailureCounts = Readonly<Record<FailureKind, number>>;

export const NO_FAILURES: FailureCounts = {
  transient: 0,
  unknown: 0,
  refused: 0,
  operator: 0,
  lost: 0,
  record: 0,
  bug: 0,
};

interface CommonStatus {
  readonly name: string;
  readonly state: ConnectorState;
  /** What it is doing at this moment; health is judged by it. */
  readonly stage: Stage;
  /** The failure that `retrying` and `failed` are about. */
  readonly failure: ConnectorFailure | undefined;
  readonly failures: FailureCounts;
  /** What it has done, for metrics; absent before its first word. */
  readonly work?: Work;
}

/** A source as it is now; counters count since this process started. */
export interface SourceStatus extends CommonStatus {
  readonly kind: 'source';
  readonly progress: Readonly<SourceProgress>;
  readonly counts: Readonly<SourceCounts>;
  /** How long transactions take from the source to the log, milliseconds; undefined before the first. */
  readonly lagMs?: number | undefined;
}

/** A sink as it is now; counters count since this process started. */
export interface SinkStatus extends CommonStatus {
  readonly kind: 'sink';
  readonly counts: Readonly<SinkCounts>;
  /** How long transactions take from source to replica; undefined before the first, or when the source runs elsewhere. */
  readonly lagMs: number | undefined;
}

export type ConnectorStatus = SourceStatus | SinkStatus;
