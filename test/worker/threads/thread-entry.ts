import { type MessagePort, parentPort } from 'node:worker_threads';
import { runTasks } from '../../../src/worker/threads/task-runner.ts';
import { makeTestTask } from './test-tasks.ts';

runTasks(parentPort as MessagePort, makeTestTask);
