import { parentPort } from 'node:worker_threads';
import { makeTask } from '../composition.ts';
import { runTasks } from './task-runner.ts';

if (parentPort === null) throw new Error('This file is for worker threads');
runTasks(parentPort, makeTask);
