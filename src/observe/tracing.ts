import { type Attributes, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { describeError } from '../errors.ts';
import { VERSION } from '../version.ts';

/** Begins a span by OpenTelemetry's API: without an SDK in the process, which whoever collects traces brings along, it is none and costs next to nothing. */
export function beginSpan(name: string, attributes: Attributes): Span {
  return trace.getTracer('rowcast', VERSION).startSpan(name, { attributes });
}

/** Ends a span; one that failed says why, in words that hold no rows. */
export function endSpan(span: Span, error?: unknown): void {
  if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: describeError(error) });
  span.end();
}

/** What is done in a span, from begin to end. */
export async function inSpan<T>(span: Span, act: () => Promise<T>): Promise<T> {
  try {
    const result = await act();
    endSpan(span);
    return result;
  } catch (error) {
    endSpan(span, error);
    throw error;
  }
}
