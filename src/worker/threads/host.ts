import type { Transferable } from 'node:worker_threads';
import type { FromThread, ToThread } from './messages.ts';

/** A thread that runs tasks, as the main thread holds it. */
export interface Host {
  post(message: ToThread, transfer: readonly Transferable[]): void;
  /** Ends it at once, with all that runs in it; `onDeath` is not called. */
  end(): Promise<void>;
  /** How busy its event loop has been since it was asked last: 0 idle, 1 without a pause. */
  utilization(): number;
}

export interface HostEvents {
  readonly onMessage: (message: FromThread) => void;
  /** The thread has ended without being told to: why, in words for a person. Nothing comes from it any more. */
  readonly onDeath: (reason: string) => void;
}

export type OpenHost = (events: HostEvents) => Host;
