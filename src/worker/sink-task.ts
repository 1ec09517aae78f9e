import type { Log } from '../log/log.ts';
import { lagMs, noTimes } from '../pipeline/lag.ts';
import { runSink, type SinkLoopOptions, type SinkProgress } from '../pipeline/sink-loop.ts';
import { enter } from '../pipeline/stage.ts';
import type { Sink } from '../sink/sink.ts';
import { countingSink, type SinkCounts } from './counting-sink.ts';
import { measuredForSink } from './measured-log.ts';
import type { ConnectorState, SinkStatus } from './status.ts';
import type { Task } from './task.ts';
import { tracedSink } from './traced.ts';
import { goneOn } from './work.ts';

/** What a sink task is made of. */
export interface SinkTaskOptions {
  readonly createSink: () => Sink;
  /** Opens what one run needs; the log is closed when the run has ended. */
  readonly open: (signal: AbortSignal) => Promise<{ readonly log: Log } & Pick<SinkLoopOptions, 'converter'>>;
  readonly loop: Omit<SinkLoopOptions, 'name' | 'progress' | 'log' | 'sink' | 'converter'>;
  /** Where its counters go on. */
  readonly status: SinkStatus;
}

/** A sink connector, ready to run. Remembers over restarts what it has counted. */
export function createSinkTask({ createSink, open, loop, status }: SinkTaskOptions): Task {
  const { name, stage, failures } = status;
  const { clock } = loop;
  const counts: SinkCounts = { ...status.counts, changes: { ...status.counts.changes } };
  const progress: SinkProgress = { state: 'starting', stage, applied: undefined, ...noTimes() };
  const work = goneOn(status.work);
  const phase = (): ConnectorState => {
    if (progress.state === 'starting') return 'starting';
    return counts.consistent ? 'streaming' : 'snapshot';
  };
  return {
    name,
    async run(signal) {
      progress.state = 'starting';
      enter(progress, 'opening the log', clock.now());
      const { log, converter } = await open(signal);
      await using _ = log;
      await using sink = countingSink(tracedSink(createSink(), name), counts, work);
      work.queueBytes = 0; // what an earlier run has fetched is gone
      await runSink({ ...loop, name, sink, log: measuredForSink(log, work), converter, progress }, signal);
    },
    status: (state, failure) => {
      const { stage: now } = progress;
      const lag = lagMs(progress, clock.now());
      return { kind: 'sink', name, state: state ?? phase(), stage: now, failure, failures, counts, lagMs: lag, work };
    },
    memory: () => ({ takeOver: false, stored: undefined }),
  };
}
