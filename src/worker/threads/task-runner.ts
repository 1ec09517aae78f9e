import { setInterval as every } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import { OperatorError } from '../../errors.ts';
import type { Logger, LogLevel } from '../../observe/logger.ts';
import type { MakeTask } from '../composition.ts';
import { SupervisedTask } from '../supervised-task.ts';
import { systemClock } from '../system-clock.ts';
import type { Task, TaskOrder } from '../task.ts';
import { LogLink } from './log-client.ts';
import type { FromThread, ToThread } from './messages.ts';
import { sentError } from './sent-error.ts';

/** How often a thread tells that it is alive, and what its tasks do when it has changed. */
const TELL_EVERY_MS = 200;

/** Runs in this thread whatever tasks the other end of `port` orders, until the port is closed. */
export function runTasks(port: MessagePort, makeTask: MakeTask): void {
  const tasks = new Map<number, RunningHere>();
  const closed = new AbortController();
  port.on('message', (message: ToThread) => {
    if (message.kind === 'stop') return tasks.get(message.id)?.stop();
    if (message.kind === 'ask') return tasks.get(message.id)?.ask(message);
    const task = new RunningHere(message, makeTask, port);
    tasks.set(message.id, task);
    void task.ended.then(() => tasks.delete(message.id));
  });
  port.on('close', () => {
    closed.abort();
    for (const task of tasks.values()) task.stop();
  });
  void tellRegularly(port, tasks, closed.signal);
}

async function tellRegularly(port: MessagePort, tasks: Map<number, RunningHere>, closed: AbortSignal): Promise<void> {
  try {
    for await (const _ of every(TELL_EVERY_MS, undefined, { signal: closed })) {
      post(port, { kind: 'alive' });
      for (const task of tasks.values()) task.tell();
    }
  } catch (error) {
    if (!closed.aborted) throw error;
  }
}

/** One task that was ordered. */
class RunningHere {
  readonly ended: Promise<void>;
  readonly #id: number;
  readonly #port: MessagePort;
  readonly #task: SupervisedTask;
  readonly #stopping = new AbortController();
  #told = '';

  constructor({ id, order, log }: Extract<ToThread, { kind: 'start' }>, makeTask: MakeTask, port: MessagePort) {
    this.#id = id;
    this.#port = port;
    const link = log && new LogLink(log);
    const logger = portLogger(port);
    const open = async (signal: AbortSignal): ReturnType<LogLink['open']> => await openBehind(link, signal);
    this.#task = new SupervisedTask(
      taskOf(() => makeTask(order, open, logger), order),
      { clock: systemClock, logger, onChange: () => this.tell(), resumeMs: order.resumeMs },
    );
    this.ended = this.#run(link);
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** Answers when what is asked for is done or refused. */
  ask({ ask, signal }: Extract<ToThread, { kind: 'ask' }>): void {
    const answer = (error?: unknown): void =>
      post(this.#port, {
        kind: 'answer',
        id: this.#id,
        ask,
        error: error === undefined ? undefined : sentError(error),
      });
    const { task } = this.#task;
    const asked = task.ask?.(signal, this.#stopping.signal) ?? Promise.reject(takesNone(task.name));
    asked.then(() => answer(), answer);
  }

  /** Tells what it does when that has changed. */
  tell(): void {
    const status = this.#task.status();
    const text = JSON.stringify(status);
    if (text === this.#told) return;
    this.#told = text;
    post(this.#port, { kind: 'status', id: this.#id, status, memory: this.#task.task.memory() });
  }

  async #run(link: LogLink | undefined): Promise<void> {
    await this.#task.run(this.#stopping.signal);
    link?.close();
    this.tell();
    post(this.#port, { kind: 'ended', id: this.#id });
  }
}

/** What cannot be made fails like one that cannot run, and takes no other task with it. */
function taskOf(make: () => Task, { connector: { name }, status, memory }: TaskOrder): Task {
  try {
    return make();
  } catch (error) {
    return {
      name,
      run: () => Promise.reject(error),
      status: (state, failure) => ({ ...status, state: state ?? 'starting', failure }),
      memory: () => memory,
    };
  }
}

function takesNone(name: string): OperatorError {
  return new OperatorError(`Connector "${name}" takes no signals`, {
    advice: 'Name the source whose tables are to be copied.',
  });
}

function openBehind(link: LogLink | undefined, signal: AbortSignal): ReturnType<LogLink['open']> {
  if (link === undefined) throw new Error('A task without Kafka was ordered without a log');
  return link.open(signal);
}

/** Lines are written in the main thread: in one order, and with secrets taken out in one place. */
function portLogger(port: MessagePort): Logger {
  const at =
    (level: LogLevel): Logger[LogLevel] =>
    (fact, fields = {}) =>
      post(port, { kind: 'log', level, fact, fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function post(port: MessagePort, message: FromThread): void {
  port.postMessage(message);
}
