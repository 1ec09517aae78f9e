import type { Clock } from '../clock.ts';
import {
  describeError,
  OperatorError,
  OversizeError,
  PositionLostError,
  RecordError,
  RefusedError,
  TransientError,
  UnknownOutcomeError,
} from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import type { Stage } from '../pipeline/stage.ts';
import { supervise, type TaskState } from '../pipeline/supervise.ts';
import { postgresError } from '../postgres/errors.ts';
import type { ConnectorFailure, ConnectorStatus, FailureCounts, FailureKind } from './status.ts';
import type { Task } from './task.ts';

export interface SupervisionOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called when its state has changed, after `status` shows it. */
  readonly onChange?: () => void;
  /** How long a failure that a person can cure waits before it is tried again, milliseconds; 0 or absent: until the task is started anew. */
  readonly resumeMs?: number | undefined;
}

/** A failure is told again when it is this old and still there, so that a log shows it without being flooded. */
const TELL_AGAIN_MS = 60_000;
/** One that has nothing to do is taken for well when it has run this long. */
const RECOVERED_MS = 10_000;
/** As long as a person takes to come. */
const TELL_FAILED_AGAIN_MS = 3_600_000;

/** The fact that is logged when a failure passes by itself. */
export const RETRIED = 'connector failed and is tried again';

/** A task under supervision: run again while it fails for reasons that pass, with every change of its state told. */
export class SupervisedTask {
  readonly task: Task;
  readonly #options: SupervisionOptions;
  #state: TaskState = { kind: 'running' };
  /** When the state began that is not `running`; a row of retries counts as one. */
  #since = 0;
  /** Goes on from what the task was given: a task that moved to another thread has failed before. */
  #failures: FailureCounts;
  #told: { readonly message: string; readonly at: number } | undefined;
  /** The failure that it is being looked for whether somebody has cured it. */
  #failure: { readonly error: unknown } | undefined;
  /** When the present run began, and what had been done by then. */
  #start: { readonly at: number; readonly done: number } = { at: 0, done: 0 };

  constructor(task: Task, options: SupervisionOptions) {
    this.task = task;
    this.#options = options;
    this.#failures = task.status(undefined, undefined).failures;
  }

  status(): ConnectorStatus {
    return { ...this.#statusNow(), failures: this.#failures };
  }

  #statusNow(): ConnectorStatus {
    const state = this.#state;
    switch (state.kind) {
      case 'running':
        return this.#statusRunning();
      case 'retrying':
      case 'failed':
        return { ...this.task.status(state.kind, failureOf(state.error)), stage: this.#stage(state.kind) };
      case 'stopped':
        return { ...this.task.status('stopped', undefined), stage: { ...this.#stage('stopped'), isWaiting: true } };
      default:
        return state satisfies never;
    }
  }

  /** One that is tried again has failed until it is seen to go on: nobody is to take each try for a recovery. */
  #statusRunning(): ConnectorStatus {
    const now = this.task.status(undefined, undefined);
    if (this.#failure === undefined || this.#hasRecovered()) return now;
    return { ...this.task.status('failed', failureOf(this.#failure.error)), stage: this.#stage('failed') };
  }

  /** Resolves when the task has ended: by `signal`, by itself, or by a failure that its status shows. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, onChange, resumeMs } = this.#options;
    const onState = (state: TaskState): void => {
      this.#note(state);
      this.#tell(state);
      onChange?.();
    };
    try {
      await supervise((abort) => this.#run(abort), { clock, jitter: Math.random, onState, resumeMs }, signal);
    } catch {
      // onState has seen and told it; the other connectors go on.
    }
  }

  /** A connection may break under any statement: whichever it was, and whether or not it has a name for that, it passes. */
  async #run(signal: AbortSignal): Promise<void> {
    try {
      await this.task.run(signal);
    } catch (error) {
      const translated = postgresError(error, 'A statement failed');
      throw translated instanceof TransientError ? translated : error;
    }
  }

  #note(state: TaskState): void {
    const isSame = state.kind === 'failed' && this.#failure !== undefined && !this.#hasRecovered();
    const goesOn = state.kind === 'running' || (state.kind === 'retrying' && state.attempt > 1) || isSame;
    if (!goesOn) this.#since = this.#options.clock.now();
    if (state.kind === 'failed' && !isSame) this.#told = undefined;
    if (state.kind === 'running') this.#start = { at: this.#options.clock.monotonic(), done: this.#done() };
    this.#state = state;
    if (state.kind === 'retrying' || state.kind === 'failed') this.#count(kindOf(state.error));
    if (state.kind === 'failed') this.#failure = { error: state.error };
    else if (state.kind !== 'running') this.#failure = undefined;
  }

  /** The present run has brought something about, or has gone on for a while: what it failed of before is behind it. */
  #hasRecovered(): boolean {
    if (this.task.status(undefined, undefined).state === 'starting') return false;
    return this.#done() > this.#start.done || this.#options.clock.monotonic() - this.#start.at >= RECOVERED_MS;
  }

  #done(): number {
    const now = this.task.status(undefined, undefined);
    return now.kind === 'source' ? now.progress.checkpoints : now.counts.commits;
  }

  #count(kind: FailureKind): void {
    this.#failures = { ...this.#failures, [kind]: this.#failures[kind] + 1 };
  }

  #stage(name: string): Stage {
    return { name, since: this.#since, isWaiting: false };
  }

  #tell(state: TaskState): void {
    const { logger } = this.#options;
    const fields = { connector: this.task.name };
    if (state.kind === 'retrying') this.#tellRetry(state.error);
    else if (state.kind === 'stopped') logger.info('connector stopped', fields);
    else if (state.kind === 'failed') {
      const { message, advice } = failureOf(state.error);
      if (!this.#isNews(message, TELL_FAILED_AGAIN_MS)) return;
      const triedAgain = state.resumeMs === undefined ? undefined : true;
      logger.error('connector failed', { ...fields, message, advice, triedAgain, stack: stackOfBug(state.error) });
    }
  }

  #tellRetry(error: TransientError): void {
    const { message, advice } = failureOf(error);
    if (!this.#isNews(message, TELL_AGAIN_MS)) return;
    this.#options.logger.warn(RETRIED, { connector: this.task.name, message, advice });
  }

  #isNews(message: string, againMs: number): boolean {
    const now = this.#options.clock.monotonic();
    if (this.#told?.message === message && now - this.#told.at < againMs) return false;
    this.#told = { message, at: now };
    return true;
  }
}

function kindOf(error: unknown): FailureKind {
  if (error instanceof RefusedError) return 'refused';
  if (error instanceof UnknownOutcomeError) return 'unknown';
  if (error instanceof TransientError) return 'transient';
  if (error instanceof PositionLostError) return 'lost';
  if (error instanceof OversizeError) return 'record';
  if (error instanceof OperatorError) return 'operator';
  return error instanceof RecordError ? 'record' : 'bug';
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
