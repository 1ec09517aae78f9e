import { randomUUID } from 'node:crypto';
import type { Log } from '../log/log.ts';
import type { SourceMemory } from '../pipeline/ownership.ts';
import type { SignalListener } from '../pipeline/listening.ts';
import { lagMs } from '../pipeline/lag.ts';
import { enter } from '../pipeline/stage.ts';
import { runSource, type SourceLoopOptions } from '../pipeline/source-loop.ts';
import type { SourceProgress } from '../pipeline/source-progress.ts';
import type { Source } from '../source/source.ts';
import { countingSource, type SourceCounts } from './counting-source.ts';
import { measuredForSource } from './measured-log.ts';
import type { SourceStatus } from './status.ts';
import type { Task, TaskMemory } from './task.ts';
import { tracedLog } from './traced.ts';
import { goneOn } from './work.ts';

/** What a source task is made of; the loop's options lack what the task itself keeps. */
export interface SourceTaskOptions {
  readonly source: Source;
  /** Opens what one run needs; the log is closed when the run has ended. */
  readonly open: (signal: AbortSignal) => Promise<SourceParts>;
  readonly loop: Pick<
    SourceLoopOptions,
    | 'clock'
    | 'prefix'
    | 'daemon'
    | 'topics'
    | 'tombstones'
    | 'recordBatchBytes'
    | 'compression'
    | 'outbox'
    | 'onLeftOut'
    | 'recopy'
    | 'copyDelayMs'
    | 'onCopyAgain'
    | 'onCopied'
  > & { readonly signals: SignalListener & Required<Pick<Task, 'ask'>> };
  readonly memory: TaskMemory;
  /** Where its counters go on. */
  readonly status: SourceStatus;
}

/** What a source task opens anew for each run. */
export type SourceParts = { readonly log: Log } & Pick<SourceLoopOptions, 'converter'>;

/** A source connector, ready to run. Remembers over restarts what this process has seen and counted. */
export function createSourceTask({ source, open, loop, memory: before, status }: SourceTaskOptions): Task {
  const { name, failures } = status;
  const counts: SourceCounts = { ...status.counts };
  const progress: SourceProgress = { ...status.progress };
  // One that moved to another thread goes on with what was started.
  const copyAgain = loop.recopy === 'always' && before.stored === undefined;
  const memory: SourceMemory = { incarnation: undefined, stored: before.stored, takeOver: before.takeOver, copyAgain };
  const work = goneOn(status.work);
  const reading = { committedAt: 0 };
  const counted = countingSource(source, counts, { work, reading });
  return {
    name,
    async run(signal) {
      progress.state = 'starting';
      enter(progress, 'opening the log', loop.clock.now());
      const { log, converter } = await open(signal);
      await using _ = log;
      await runSource(
        {
          ...loop,
          source: counted,
          log: tracedLog(measuredForSource(log, work), name),
          converter,
          random: randomUUID,
          memory,
          progress,
        },
        signal,
      );
    },
    status: (state, failure) => {
      const { stage } = progress;
      const { committedAt, storedAt: appliedAt = 0 } = progress;
      const applying = stage.isWaiting ? 0 : reading.committedAt;
      const lag = lagMs({ committedAt: appliedAt === 0 ? 0 : committedAt, appliedAt, applying }, loop.clock.now());
      const known = { kind: 'source', name, stage, failure, failures, progress, counts } as const;
      return { ...known, state: state ?? progress.state, lagMs: lag, work };
    },
    ask: (signal, abort) => loop.signals.ask(signal, abort),
    memory: () => ({ takeOver: memory.takeOver, stored: memory.stored }),
  };
}
