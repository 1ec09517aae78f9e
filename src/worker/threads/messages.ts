import type { MessagePort } from 'node:worker_threads';
import type { RawSignal } from '../../change/signal.ts';
import type { LogFields, LogLevel } from '../../observe/logger.ts';
import type { ConnectorStatus } from '../status.ts';
import type { TaskMemory, TaskOrder } from '../task.ts';
import type { SentError } from './sent-error.ts';

/** What the main thread tells a thread; `id` counts the starts of this process. */
export type ToThread =
  /** `log` leads to the embedded log; undefined with Kafka. */
  | { readonly kind: 'start'; readonly id: number; readonly order: TaskOrder; readonly log: MessagePort | undefined }
  | { readonly kind: 'stop'; readonly id: number }
  /** `ask` counts the questions of this process; each has one answer, unless its task ends before. */
  | { readonly kind: 'ask'; readonly id: number; readonly ask: number; readonly signal: RawSignal };

/** What a thread tells the main thread. */
export type FromThread =
  | { readonly kind: 'status'; readonly id: number; readonly status: ConnectorStatus; readonly memory: TaskMemory }
  /** What was asked for stands in the log, or cannot be done. */
  | { readonly kind: 'answer'; readonly id: number; readonly ask: number; readonly error: SentError | undefined }
  /** After its last status; all that the task held is free. */
  | { readonly kind: 'ended'; readonly id: number }
  | { readonly kind: 'log'; readonly level: LogLevel; readonly fact: string; readonly fields: LogFields }
  /** The thread's event loop turns. */
  | { readonly kind: 'alive' };
