import {
  type ErrorOptionsWithAdvice,
  OperatorError,
  OversizeError,
  PositionLostError,
  RecordError,
  RefusedError,
  ShortageError,
  type TooLarge,
  TooLargeError,
  TransientError,
  UnknownOutcomeError,
} from '../../errors.ts';

type KindName =
  | 'RefusedError'
  | 'ShortageError'
  | 'UnknownOutcomeError'
  | 'TransientError'
  | 'RecordError'
  | 'PositionLostError'
  | 'OversizeError'
  | 'OperatorError';

/** Classes that arrive as they were sent; of two that fit the one further up is meant. */
const KINDS: Readonly<Record<KindName, new (message: string, options?: ErrorOptionsWithAdvice) => Error>> = {
  RefusedError,
  ShortageError,
  UnknownOutcomeError,
  TransientError,
  RecordError,
  PositionLostError,
  OversizeError,
  OperatorError,
};

/** An error on its way to another thread: structured clones lose classes and advice. */
export interface SentError {
  readonly kind: KindName | 'TooLargeError' | 'other';
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
  if (error instanceof TooLargeError) return 'TooLargeError';
  const names = Object.keys(KINDS) as readonly KindName[];
  return names.find((name) => error instanceof KINDS[name]) ?? 'other';
}

function make({ kind, message, advice, cause, tooLarge }: SentError): Error {
  const options = {
    ...(advice === undefined ? {} : { advice }),
    ...(cause === undefined ? {} : { cause: receivedError(cause) }),
  };
  if (kind === 'other') return new Error(message, options);
  if (kind !== 'TooLargeError') return new KINDS[kind](message, options);
  return tooLarge === undefined ? new OversizeError(message, options) : new TooLargeError(tooLarge, options);
}
