import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { describeError, OperatorError, TransientError } from '../../errors.ts';
import type { Logger } from '../../observe/logger.ts';
import { RefusedChange } from '../connectors/refused-change.ts';

/** The body of every error, as Kafka Connect and the schema registry have it; `advice` is ours. */
export interface ErrorBody {
  readonly error_code: number;
  readonly message: string;
  readonly advice?: string;
}

/** An answer other than the one asked for, thrown from anywhere in a route. */
export function refusal(status: ContentfulStatusCode, message: string): HTTPException {
  return new HTTPException(status, { message });
}

/** A body of `{error_code, message}` with that status. */
export function errorAnswer(c: Context, status: ContentfulStatusCode, message: string, advice?: string): Response {
  return c.json<ErrorBody>({ error_code: status, message, ...(advice !== undefined && { advice }) }, status);
}

/** What is thrown becomes an answer: a person's turn is 409, what passes by itself 503; a bug is logged, and 500 tells nothing of it. */
export function errorHandler(logger: Logger): (error: Error, c: Context) => Response {
  return (error, c) => {
    if (error instanceof HTTPException) return errorAnswer(c, error.status as ContentfulStatusCode, error.message);
    if (error instanceof RefusedChange) return errorAnswer(c, error.status, error.message);
    if (error instanceof OperatorError) return errorAnswer(c, 409, describeError(error), error.advice);
    if (error instanceof TransientError) return errorAnswer(c, 503, describeError(error), error.advice);
    logger.error('request failed', {
      method: c.req.method,
      path: c.req.path,
      message: describeError(error),
      stack: error.stack,
    });
    return errorAnswer(c, 500, 'Internal error: the log of the daemon has the details');
  };
}
