import type { Clock } from '../clock.ts';
import { describeError, OperatorError, RecordError, TransientError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import { supervise, type TaskState } from '../pipeline/supervise.ts';
import type { ConnectorFailure, ConnectorState, ConnectorStatus } from './status.ts';

/** One connector, ready to run. */
export interface Task {
  readonly name: string;
  /** Runs until `signal` aborts, or something fails; may be called again after a failure. */
  run(signal: AbortSignal): Promise<void>;
  /** What it is doing while it runs, and what it has counted. */
  status(state: ConnectorState | undefined, failure: ConnectorFailure | undefined): ConnectorStatus;
}

export interface WorkerOptions {
  readonly tasks: readonly Task[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A failure is told again when it is this old and still there, so that a log shows it without being flooded. */
const TELL_AGAIN_MS = 60_000;

/** The fact that is logged when a failure passes by itself. */
export const RETRIED = 'connector failed and is tried again';

/** Runs connectors side by side, each under a supervisor of its own: what fails one does not touch the others. */
export class Worker {
  readonly #supervised: readonly SupervisedTask[];

  constructor({ tasks, clock, logger }: WorkerOptions) {
    this.#supervised = tasks.map((task) => new SupervisedTask(task, clock, logger));
  }

  /** What every connector is doing now. */
  statuses(): readonly ConnectorStatus[] {
    return this.#supervised.map((each) => each.status());
  }

  /** Resolves when every connector has ended: by `signal`, by itself, or by a failure that its status shows. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#supervised.map((each) => each.run(signal)));
  }
}

class SupervisedTask {
  readonly #task: Task;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #state: TaskState = { kind: 'running' };
  #told: { readonly message: string; readonly at: number } | undefined;

  constructor(task: Task, clock: Clock, logger: Logger) {
    this.#task = task;
    this.#clock = clock;
    this.#logger = logger;
  }

  status(): ConnectorStatus {
    const state = this.#state;
    switch (state.kind) {
      case 'running':
        return this.#task.status(undefined, undefined);
      case 'retrying':
      case 'failed':
        return this.#task.status(state.kind, failureOf(state.error));
      case 'stopped':
        return this.#task.status('stopped', undefined);
      default:
        return state satisfies never;
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    const onState = (state: TaskState): void => {
      this.#state = state;
      this.#tell(state);
    };
    try {
      await supervise((abort) => this.#task.run(abort), { clock: this.#clock, jitter: Math.random, onState }, signal);
    } catch {
      // onState has seen and told it; the other connectors go on.
    }
  }

  #tell(state: TaskState): void {
    const fields = { connector: this.#task.name };
    if (state.kind === 'retrying') this.#tellRetry(state.error);
    else if (state.kind === 'stopped') this.#logger.info('connector stopped', fields);
    else if (state.kind === 'failed') {
      const { message, advice } = failureOf(state.error);
      this.#logger.error('connector failed', { ...fields, message, advice, stack: stackOfBug(state.error) });
    }
  }

  #tellRetry(error: TransientError): void {
    const { message, advice } = failureOf(error);
    const now = this.#clock.now();
    if (this.#told?.message === message && now - this.#told.at < TELL_AGAIN_MS) return;
    this.#told = { message, at: now };
    this.#logger.warn(RETRIED, { connector: this.#task.name, message, advice });
  }
}

function failureOf(error: unknown): ConnectorFailure {
  const known = error instanceof TransientError || error instanceof RecordError || error instanceof OperatorError;
  return {
    message: describeError(error),
    advice: known ? error.advice : 'This is a bug in Rowcast: please report it.',
  };
}

function stackOfBug(error: unknown): string | undefined {
  const known = error instanceof RecordError || error instanceof OperatorError;
  return !known && error instanceof Error ? error.stack : undefined;
}
