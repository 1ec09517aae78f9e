import type { MessagePort } from 'node:worker_threads';
import type { LogFields, LogLevel } from '../../observe/logger.ts';
import type { ConnectorStatus } from '../status.ts';
import type { TaskMemory, TaskOrder } from '../task.ts';

/** What the main thread tells a thread; `id` counts the starts of this process. */
export type ToThread =
  /** `log` leads to the embedded log; undefined with Kafka. */
  | { readonly kind: 'start'; readonly id: number; readonly order: TaskOrder; readonly log: MessagePort | undefined }
  | { readonly kind: 'stop'; readonly id: number };

/** What a thread tells the main thread. */
export type FromThread =
  | { readonly kind: 'status'; readonly id: number; readonly status: ConnectorStatus; readonly memory: TaskMemory }
  /** After its last status; all that the task held is free. */
  | { readonly kind: 'ended'; readonly id: number }
  | { readonly kind: 'log'; readonly level: LogLevel; readonly fact: string; readonly fields: LogFields }
  /** The thread's event loop turns. */
  | { readonly kind: 'alive' };
