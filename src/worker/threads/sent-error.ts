import {
  OperatorError,
  RecordError,
  RefusedError,
  type TooLarge,
  TooLargeError,
  TransientError,
} from '../../errors.ts';

/** An error on its way to another thread: structured clones lose classes and advice. */
export interface SentError {
  readonly kind: 'TransientError' | 'RefusedError' | 'RecordError' | 'OperatorError' | 'TooLargeError' | 'other';
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly advice: string | undefined;
  readonly cause: SentError | undefined;
  /** Of a TooLargeError. */
  readonly tooLarge?: TooLarge;
}

/** Whatever was thrown, as plain data. */
export function sentError(error: unknown): SentError {
  if (!(error instanceof Error)) return { ...NOTHING, message: String(error) };
  const advice = 'advice' in error && typeof error.advice === 'string' ? error.advice : undefined;
  const cause = error.cause === undefined ? undefined : sentError(error.cause);
  const sent = { kind: kindOf(error), name: error.name, message: error.message, stack: error.stack, advice, cause };
  return error instanceof TooLargeError ? { ...sent, tooLarge: error.what } : sent;
}

/** The error that was sent: of the same class, with the same words and the stack of the place where it was thrown. */
export function receivedError(sent: SentError): Error {
  const error = make(sent);
  if (sent.kind === 'other') error.name = sent.name;
  if (sent.stack !== undefined) error.stack = sent.stack;
  return error;
}

const NOTHING: SentError = {
  kind: 'other',
  name: 'Error',
  message: '',
  stack: undefined,
  advice: undefined,
  cause: undefined,
};

function kindOf(error: Error): SentError['kind'] {
  if (error instanceof RefusedError) return 'RefusedError'; // a TransientError too
  if (error instanceof TransientError) return 'TransientError';
  if (error instanceof RecordError) return 'RecordError';
  if (error instanceof TooLargeError) return 'TooLargeError'; // an OperatorError too
  return error instanceof OperatorError ? 'OperatorError' : 'other';
}

function make({ kind, message, advice, cause, tooLarge }: SentError): Error {
  const options = {
    ...(advice === undefined ? {} : { advice }),
    ...(cause === undefined ? {} : { cause: receivedError(cause) }),
  };
  switch (kind) {
    case 'TransientError':
      return new TransientError(message, options);
    case 'RefusedError':
      return new RefusedError(message, options);
    case 'RecordError':
      return new RecordError(message, options);
    case 'OperatorError':
      return new OperatorError(message, options);
    case 'TooLargeError':
      return tooLarge === undefined ? new OperatorError(message, options) : new TooLargeError(tooLarge, options);
    case 'other':
      return new Error(message, options);
    default:
      return kind satisfies never;
  }
}
