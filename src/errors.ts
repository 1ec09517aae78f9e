/** What an error carries besides its message. `advice` tells a person what to do; `cause` is the error underneath. */
export interface ErrorOptionsWithAdvice {
  readonly cause?: unknown;
  readonly advice?: string;
}

/**
 * The three kinds of failure, sorted by who acts. A bug throws a plain `Error` instead and fails the task.
 * Messages start with a capital letter, name the object, and never hold a row's value or a secret (Invariant 11).
 */
abstract class RowcastError extends Error {
  readonly advice: string | undefined;

  constructor(message: string, options: ErrorOptionsWithAdvice = {}) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.advice = options.advice;
  }
}

/** Passes by itself (a lost connection, an unknown outcome, a slot that is busy): the supervisor starts the task again. */
export class TransientError extends RowcastError {}

/** A server has run out of something (disk, memory): tried again more slowly, because trying takes some of it too. */
export class ShortageError extends TransientError {}

/** Nobody knows whether something was stored: reading it back at the next start decides. */
export class UnknownOutcomeError extends TransientError {}

/** One record cannot be processed: the task stops with the record named, or quarantines it when the operator chose that. */
export class RecordError extends RowcastError {}

/**
 * Needs a person (a grant, a table, a password): the task stops and says what to do. It is tried again slowly, so that it goes on by itself
 * once the cause is gone, unless it is one of the kinds below that no later try can mend.
 */
export class OperatorError extends RowcastError {
  /** Whether the record at which it was met says more of it; false for kinds that are not about what one record holds. */
  get isOfRecord(): boolean {
    return true;
  }
}

/** What comes next cannot be known any more (a lost slot, lost history, another server): a new copy is needed, or a person's word. */
export class PositionLostError extends OperatorError {
  override get isOfRecord(): boolean {
    return false;
  }
}

/** A record is larger than what is to take it. Not tried again by itself: each try would publish what stands before it once more. */
export class OversizeError extends OperatorError {
  override get isOfRecord(): boolean {
    return false;
  }
}

/** Something that was done can be used only once it is committed: smaller transactions may do, else a person. */
export class UncommittedError extends OperatorError {
  override get isOfRecord(): boolean {
    return false;
  }
}

/** A record batch that its topic does not take: nothing of it was sent. */
export interface TooLarge {
  readonly topic: string;
  readonly bytes: number;
  /** Records in it; one that is alone is too large by itself. */
  readonly records: number;
  /** What the topic takes, in bytes. */
  readonly limit: number;
}

/** A record batch is larger than its topic takes. Who knows the rows can say which one it is. */
export class TooLargeError extends OversizeError {
  readonly what: TooLarge;

  constructor(what: TooLarge, options: ErrorOptionsWithAdvice = {}) {
    const { topic, bytes, limit } = what;
    super(`A record batch of ${bytes} bytes is larger than topic "${topic}" takes (${limit})`, {
      advice: 'Raise max.message.bytes of the topic, or exclude the large column.',
      ...options,
    });
    this.what = what;
  }
}

/** Another owner or a newer incarnation holds this connector; a state that is looked at again, not an end (PROTOCOL, V7). */
export class RefusedError extends TransientError {}

/** The text of any thrown value, with the messages of its causes. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `: ${describeError(error.cause)}`;
  return `${error.message}${cause}`;
}
