import { emptyHistogram, type Histogram } from '../observe/histogram.ts';
import type { TableChanges } from '../observe/table-changes.ts';

/** What a task's work amounts to since this process started; for metrics. Of a source a batch is a publish, of a sink a target transaction. */
export interface Work {
  readonly tables: TableChanges;
  /** Row changes of a batch. */
  readonly batchChanges: Histogram;
  /** Bytes of records of a batch: published, or fetched for it. */
  readonly batchBytes: Histogram;
  /** How long a batch took to be stored. */
  readonly batchSeconds: Histogram;
  /** Bytes of records in memory: on their way to the log, or fetched and not yet committed in the target. */
  queueBytes: number;
}

const CHANGES = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];
const BYTES = [1, 4, 16, 64, 256, 1024, 4096, 16_384].map((kilobytes) => kilobytes * 1024);
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** A task that has done nothing. */
export function noWork(): Work {
  return {
    tables: {},
    batchChanges: emptyHistogram(CHANGES),
    batchBytes: emptyHistogram(BYTES),
    batchSeconds: emptyHistogram(SECONDS),
    queueBytes: 0,
  };
}

/** The work of a task that goes on in another thread: counted on, and nothing of it is in memory. */
export function goneOn(work: Work | undefined): Work {
  return work === undefined ? noWork() : { ...structuredClone(work), queueBytes: 0 };
}
