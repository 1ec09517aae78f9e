import { runSink, type SinkLoopOptions, type SinkProgress } from '../pipeline/sink-loop.ts';
import { noTimes } from '../pipeline/lag.ts';
import { starting } from '../pipeline/stage.ts';
import { countingSink, noCommits } from './counting-sink.ts';
import type { LagMeter } from './lag-meter.ts';
import type { ConnectorState } from './status.ts';
import type { Task } from './worker.ts';

/** What a sink task is made of. */
export interface SinkTaskOptions {
  readonly name: string;
  readonly parts: Omit<SinkLoopOptions, 'name' | 'progress'>;
  readonly lag: LagMeter;
}

/** A sink connector, ready to run. Remembers over restarts what it has counted. */
export function createSinkTask({ name, parts, lag }: SinkTaskOptions): Task {
  const counts = noCommits();
  const stage = starting(parts.clock.now());
  const progress: SinkProgress = { state: 'starting', stage, applied: undefined, ...noTimes() };
  const sink = countingSink(parts.sink, counts, () => {
    if (counts.position !== undefined) lag.applied(counts.position);
  });
  const phase = (): ConnectorState => {
    if (progress.state === 'starting') return 'starting';
    return counts.consistent ? 'streaming' : 'snapshot';
  };
  return {
    name,
    run: (signal) => runSink({ ...parts, sink, name, progress }, signal),
    status: (state, failure) => {
      const { stage: now } = progress;
      return { kind: 'sink', name, state: state ?? phase(), stage: now, failure, counts, lagMs: lag.lagMs };
    },
  };
}
