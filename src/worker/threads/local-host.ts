import { MessageChannel } from 'node:worker_threads';
import type { MakeTask } from '../composition.ts';
import type { FromThread } from './messages.ts';
import type { OpenHost } from './host.ts';
import { runTasks } from './task-runner.ts';

/** Runs tasks in this thread, by the same messages as in others. What ends the thread ends the process. */
export function localHost(makeTask: MakeTask): OpenHost {
  return ({ onMessage }) => {
    const { port1, port2 } = new MessageChannel();
    runTasks(port2, makeTask);
    port1.on('message', (message: FromThread) => onMessage(message));
    return {
      post: (message, transfer) => port1.postMessage(message, transfer),
      end: async () => port1.close(),
      utilization: () => 0,
    };
  };
}
