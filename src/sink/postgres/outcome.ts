import { OperatorError, RecordError, UnknownOutcomeError } from '../../errors.ts';
import { sqlState } from '../../postgres/errors.ts';
import { REFUSED } from './apply.ts';

/** What a failed COMMIT means: only an error of the server says that nothing was committed; without one, progress has to be read. */
export function outcome(error: unknown): unknown {
  const state = sqlState(error);
  if (state === undefined && !(error instanceof OperatorError)) {
    return new UnknownOutcomeError('The outcome of COMMIT on the target is unknown', {
      cause: error,
      advice: 'The progress row on the target decides it at the next claim.',
    });
  }
  if (error instanceof RecordError) {
    return new RecordError('A deferred constraint of the target refused the transaction', {
      cause: error.cause,
      advice: REFUSED,
    });
  }
  return error;
}
