import type { Point } from './growth.ts';

/** What is measured of a way from the source to the replica. */
export const PHASES = ['source', 'sink', 'end-to-end', 'snapshot', 'latency-1k', 'latency-5k', 'start'] as const;
export type Phase = (typeof PHASES)[number];

/** Who is measured; the first two are Rowcast, by its log. */
export const CONTESTANTS = ['rowcast', 'rowcast-embedded', 'native', 'pg_recvlogical', 'debezium'] as const;
export type ContestantName = (typeof CONTESTANTS)[number];

/** Milliseconds from a commit on the source to its visibility on the replica. */
export interface Latency {
  readonly transactions: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** What one run of one contestant gave. */
export interface Measurement {
  /** What was moved, and in which time; none of latencies. */
  readonly rows?: number;
  readonly seconds?: number;
  /** Where there are many tables: the part of it until each of them had rows, which shows what a table costs at first. */
  readonly met?: { readonly rows: number; readonly seconds: number };
  readonly latency?: Latency;
  /** CPU-seconds by process in that time: `daemon`, `walsender`, `backend`, `broker`, `connect`, … */
  readonly cpu: Readonly<Record<string, number>>;
  /** The most that the contestant's own process had in memory. */
  readonly peakBytes?: number;
  /** Whether both sides were compared by content and are equal. */
  readonly isEqual?: boolean;
  /** Which of several settings it was. */
  readonly profile?: string;
}

/** A measurement and what it is of. */
export interface Run extends Measurement {
  readonly phase: Phase;
  /** None for phases that have a workload of their own. */
  readonly workload?: string;
  /** Which point of how the cost grows the workload is. */
  readonly growth?: Point;
  readonly contestant: ContestantName;
  /** Which of several calls it is of, when their results are put together: only runs of one call met the same conditions. */
  readonly call?: number;
  /** Counted from 1. */
  readonly repeat: number;
  /** Text of the rows that were moved. */
  readonly bytes?: number;
}

/** Under which conditions runs were made. */
export interface Conditions {
  readonly date: string;
  readonly command: string;
  readonly commit: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** What a call of the benchmark leaves behind. */
export interface Results {
  readonly conditions: Conditions;
  readonly repeat: number;
  readonly runs: readonly Run[];
}
