import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { RawSignal } from '../../change/signal.ts';
import { TransientError } from '../../errors.ts';
import type { Log } from '../../log/log.ts';
import type { Stage } from '../../pipeline/stage.ts';
import { initialStatus } from '../initial-status.ts';
import type { ConnectorStatus, FailureCounts } from '../status.ts';
import { systemClock } from '../system-clock.ts';
import type { TaskMemory, TaskOrder } from '../task.ts';
import { type LogServer, serveLog } from './log-server.ts';
import type { FromThread, ToThread } from './messages.ts';
import { receivedError } from './sent-error.ts';

/** What every task of a pool is given. */
export interface PooledTaskOptions {
  readonly daemon: string;
  readonly config: TaskOrder['config'];
  readonly log: Log | undefined;
  /** See TaskOrder. */
  readonly resumeMs?: number | undefined;
}

/** A task as the main thread knows it, whichever thread it runs in. */
export class PooledTask {
  readonly id: number;
  readonly connector: TaskOrder['connector'];
  /** Resolves when it has ended for good, and nothing of it uses the log any more. */
  readonly ended: Promise<void>;
  isStopping = false;
  readonly #options: PooledTaskOptions;
  #status: ConnectorStatus;
  #memory: TaskMemory;
  #server: LogServer | undefined;
  #resolve: () => void = () => {};
  readonly #asked = new Map<number, (error: unknown) => void>();
  #asks = 0;

  constructor(id: number, connector: TaskOrder['connector'], takeOver: boolean, options: PooledTaskOptions) {
    this.id = id;
    this.connector = connector;
    this.#options = options;
    this.#status = initialStatus(connector, systemClock.now());
    this.#memory = { takeOver, stored: undefined };
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get name(): string {
    return this.connector.name;
  }

  /** It was told to take over, and its claim is still to be made. */
  get takesOver(): boolean {
    return this.#memory.takeOver;
  }

  /** What it told last. */
  get status(): ConnectorStatus {
    return this.#status;
  }

  /** The message that makes a thread run it, with what is handed over along with it. */
  order(): { readonly message: ToThread; readonly transfer: readonly MessagePort[] } {
    const { daemon, config, log, resumeMs } = this.#options;
    const port = log && this.#serve(log);
    const { kafka, registry, compression } = config;
    const order = {
      connector: this.connector,
      daemon,
      config: { kafka, registry, compression },
      memory: this.#memory,
      resumeMs,
    };
    const message = { kind: 'start', id: this.id, order: { ...order, status: this.#status }, log: port } as const;
    return { message, transfer: port ? [port] : [] };
  }

  hear({ status, memory }: Extract<FromThread, { kind: 'status' }>): void {
    this.#status = status;
    this.#memory = memory;
  }

  /** The message that asks something of it, and the answer. */
  ask(signal: RawSignal): { readonly message: ToThread; readonly answer: Promise<void> } {
    const ask = ++this.#asks;
    const answer = new Promise<void>((resolve, reject) => {
      this.#asked.set(ask, (error) => (error === undefined ? resolve() : reject(error)));
    });
    return { message: { kind: 'ask', id: this.id, ask, signal }, answer };
  }

  hearAnswer({ ask, error }: Extract<FromThread, { kind: 'answer' }>): void {
    this.#asked.get(ask)?.(error && receivedError(error));
    this.#asked.delete(ask);
  }

  /** Its thread is gone, and it goes on in another one after `leaveLog`. */
  interrupt(message: string): void {
    const stage = this.#stage('retrying', false);
    const advice = 'It goes on in a new thread by itself. Report it when it repeats.';
    this.#status = {
      ...this.#status,
      state: 'retrying',
      stage,
      failure: { message, advice },
      failures: this.#oneMore(),
    };
  }

  /** It cannot run at all. */
  fail(message: string): void {
    const advice = 'This is a bug in Rowcast: please report it.';
    this.#status = {
      ...this.#status,
      state: 'failed',
      stage: this.#stage('failed', false),
      failure: { message, advice },
      failures: this.#oneMore(),
    };
  }

  /** Resolves when nothing that its thread has asked of the log is under way. */
  async leaveLog(): Promise<void> {
    const unanswered = new TransientError(`Connector "${this.name}" was stopped or restarted before it answered`);
    for (const answer of this.#asked.values()) answer(unanswered);
    this.#asked.clear();
    await this.#server?.close();
    this.#server = undefined;
  }

  /** It has ended: as it told itself, or because its thread is gone and it was to stop anyway. */
  async end(): Promise<void> {
    await this.leaveLog();
    const { state } = this.#status;
    if (state !== 'stopped' && state !== 'failed') {
      this.#status = { ...this.#status, state: 'stopped', stage: this.#stage('stopped', true), failure: undefined };
    }
    this.#resolve();
  }

  /** What happens to a thread is counted here: the task in it cannot. */
  #oneMore(): FailureCounts {
    const { failures } = this.#status;
    return { ...failures, bug: failures.bug + 1 };
  }

  #serve(log: Log): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.#server = serveLog(log, port1);
    return port2;
  }

  #stage(name: string, isWaiting: boolean): Stage {
    const { stage } = this.#status;
    return stage.name === name ? stage : { name, since: systemClock.now(), isWaiting };
  }
}
