import type { Span } from '@opentelemetry/api';
import type { Append, Log } from '../log/log.ts';
import { beginSpan, endSpan, inSpan } from '../observe/tracing.ts';
import type { Progress, Sink, SinkTransaction } from '../sink/sink.ts';

/** The same log; each publish of rows is a span `rowcast.publish`. */
export function tracedLog(log: Log, connector: string): Log {
  return {
    ...log,
    async publish(appends, ...rest) {
      if (appends.length === 0) return await log.publish(appends, ...rest);
      const span = beginSpan('rowcast.publish', { 'rowcast.connector': connector, ...about(appends) });
      return await inSpan(span, () => log.publish(appends, ...rest));
    },
  };
}

/** The same sink; each target transaction is a span `rowcast.apply`, from its begin to the end of its commit. */
export function tracedSink(sink: Sink, connector: string): Sink {
  const begin = (): Span => beginSpan('rowcast.apply', { 'rowcast.connector': connector });
  return {
    claim: (...args) => sink.claim(...args),
    async begin(...args) {
      const span = begin();
      try {
        return tracedTransaction(await sink.begin(...args), span);
      } catch (error) {
        endSpan(span, error);
        throw error;
      }
    },
    async commitOne(owned, batch, progress, ...rest) {
      const span = begin();
      span.setAttributes({ 'rowcast.changes': batch?.length ?? 0, ...reached(progress) });
      await inSpan(span, () => sink.commitOne(owned, batch, progress, ...rest));
    },
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
  };
}

function tracedTransaction(transaction: SinkTransaction, span: Span): SinkTransaction {
  let changes = 0;
  let failure: unknown;
  let isEnded = false;
  const noting = async (act: () => Promise<void>): Promise<void> => {
    try {
      await act();
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  return {
    async apply(batch, signal) {
      changes += batch.length;
      await noting(() => transaction.apply(batch, signal));
    },
    async commit(progress, ...rest) {
      span.setAttributes({ 'rowcast.changes': changes, ...reached(progress) });
      await noting(() => transaction.commit(progress, ...rest));
      isEnded = true;
      endSpan(span);
    },
    async [Symbol.asyncDispose]() {
      if (!isEnded) endSpan(span, failure ?? new Error('Rolled back'));
      isEnded = true;
      await transaction[Symbol.asyncDispose]();
    },
  };
}

function about(appends: readonly Append[]): Record<string, number> {
  return {
    'rowcast.records': appends.reduce((sum, { records }) => sum + records.count, 0),
    'rowcast.bytes': appends.reduce((sum, { records }) => sum + records.byteLength, 0),
    'rowcast.partitions': appends.length,
  };
}

function reached({ position, number }: Progress): Record<string, string | number> {
  return { 'rowcast.position': position, 'rowcast.checkpoint': number };
}
