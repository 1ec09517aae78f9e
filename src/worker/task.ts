import type { RawSignal } from '../change/signal.ts';
import type { Position } from '../change/position.ts';
import type { ConnectorFile } from '../connector/load-file.ts';
import type { ConnectorFailure, ConnectorState, ConnectorStatus } from './status.ts';
import type { WorkerConfig } from './worker-config.ts';

/** One connector, ready to run. */
export interface Task {
  readonly name: string;
  /** Runs until `signal` aborts, or something fails; may be called again after a failure. */
  run(signal: AbortSignal): Promise<void>;
  /** What it is doing while it runs, and what it has counted; its failures are counted by who supervises it, from those given to it on. */
  status(state: ConnectorState | undefined, failure: ConnectorFailure | undefined): ConnectorStatus;
  /** Carries out what an operator asks of a source that streams; resolves when it stands in the log. Throws OperatorError when it cannot. Absent: nothing can be asked of it. */
  ask?(signal: RawSignal, abort: AbortSignal): Promise<void>;
  /** What another thread is to know that goes on with it when this one dies. */
  memory(): TaskMemory;
}

/** What outlives the thread that a task ran in. */
export interface TaskMemory {
  /** The log may still be taken over from another daemon, once (PROTOCOL, V4). */
  readonly takeOver: boolean;
  /** The last position whose checkpoint is known to be stored. */
  readonly stored: Position | undefined;
}

/** All that a thread is told to make a task; plain data. */
export interface TaskOrder {
  readonly connector: ConnectorFile;
  readonly daemon: string;
  readonly config: Pick<WorkerConfig, 'kafka' | 'registry' | 'compression'>;
  readonly memory: TaskMemory;
  /** `task.resume.interval.ms`; absent: what a person has to cure waits for a new start. */
  readonly resumeMs?: number | undefined;
  /** The status to go on from: counters do not fall when a task moves to another thread. */
  readonly status: ConnectorStatus;
}
