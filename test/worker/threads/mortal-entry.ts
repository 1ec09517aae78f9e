import { BroadcastChannel, type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { makeTask } from '../../../src/worker/composition.ts';
import { runTasks } from '../../../src/worker/threads/task-runner.ts';

// The same as thread-main.ts, but for a channel by which a test ends every thread at once.
const channel = new BroadcastChannel(String(workerData));
channel.onmessage = () => process.exit(1);
runTasks(parentPort as MessagePort, makeTask);
