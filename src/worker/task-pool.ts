import type { RawSignal } from '../change/signal.ts';
import type { ConnectorFile } from '../connector/load-file.ts';
import type { ConnectorStatus } from './status.ts';

/** Where connectors run: worker threads, or the main thread when there are none. Disposing of it stops everything that runs. */
export interface TaskPool extends AsyncDisposable {
  /**
   * Runs the connector under supervision (backoff by kind of error) until it is stopped. Never throws: what goes wrong, even the
   * death of its thread, is in its status and in the log. Two tasks of one name never run at once: stop the first one.
   */
  start(connector: ConnectorFile, options: { readonly takeOver: boolean }): RunningTask;
}

/** One connector that was started. */
export interface RunningTask {
  /** What it is doing now, at most a few hundred milliseconds old. */
  status(): ConnectorStatus;
  /** True while it was told to take over, and has not made its claim yet: whoever runs it next is to be told again. */
  takesOver(): boolean;
  /** As `Task.ask`; TransientError when it ends before it has answered. */
  ask(signal: RawSignal): Promise<void>;
  /** Resolves when it has ended by itself: stopped, finished, or failed in a way that needs a person. */
  readonly ended: Promise<void>;
  /** Drains, checkpoints and ends it; what it holds (slot, target row, connections) is free when this resolves. Idempotent. */
  stop(): Promise<void>;
}
