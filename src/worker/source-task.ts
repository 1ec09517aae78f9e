import { randomUUID } from 'node:crypto';
import type { PostgresWalConfig } from '../connector/postgres-wal-source.ts';
import { starting } from '../pipeline/stage.ts';
import { runSource, type SourceLoopOptions, type SourceProgress } from '../pipeline/source-loop.ts';
import { countingSource, type SourceCounts } from './counting-source.ts';
import type { LagMeter } from './lag-meter.ts';
import type { Task } from './worker.ts';

/** What a source task is made of; `loop` lacks what the task itself keeps. */
export interface SourceTaskOptions {
  readonly name: string;
  readonly config: Pick<PostgresWalConfig, 'topicPrefix' | 'tombstonesOnDelete'>;
  readonly parts: Pick<
    SourceLoopOptions,
    'source' | 'log' | 'converter' | 'clock' | 'daemon' | 'topics' | 'recordBatchBytes'
  >;
  readonly takeOver: boolean;
  readonly lag: LagMeter;
}

/** A source connector, ready to run. Remembers over restarts what this process has seen and counted. */
export function createSourceTask({ name, config, parts, takeOver, lag }: SourceTaskOptions): Task {
  const counts: SourceCounts = { transactions: 0, multiTableTransactions: 0 };
  const progress = nothingYet(parts.clock.now());
  const options: SourceLoopOptions = {
    ...parts,
    source: countingSource(parts.source, counts, (position, at) => lag.passed(position, at)),
    random: randomUUID,
    prefix: config.topicPrefix,
    tombstones: config.tombstonesOnDelete,
    memory: { incarnation: undefined, stored: undefined, takeOver },
    progress,
  };
  return {
    name,
    run: (signal) => runSource(options, signal),
    status: (state, failure) => {
      const { stage } = progress;
      return { kind: 'source', name, state: state ?? progress.state, stage, failure, progress, counts };
    },
  };
}

function nothingYet(now: number): SourceProgress {
  return {
    state: 'starting',
    stage: starting(now),
    changes: 0,
    records: 0,
    bytes: 0,
    checkpoints: 0,
    position: undefined,
    committedAt: 0,
  };
}
