import type { Batch } from '../change/batch.ts';
import { ChangeRefused, type Ownership, type Progress, type Sink } from '../sink/sink.ts';
import { refusedAt } from './placed-error.ts';
import type { SpanReader } from './span-reader.ts';

/** One target transaction: what it starts from, and what is true behind it. */
export interface Target {
  readonly sink: Sink;
  readonly owned: Ownership;
  readonly progress: Progress;
  /** See `SinkTransaction.commit`. */
  readonly durable: boolean;
}

/**
 * Applies all that the reader has in one target transaction, and tells `at` what it does. What is one batch, as under light load, is left
 * to the target to do in as few round trips as it can. A change that the target refuses is told with its record.
 */
export async function applyBatches(
  reader: SpanReader,
  target: Target,
  at: (stage: string) => void,
  signal: AbortSignal,
): Promise<void> {
  try {
    await applyAll(reader, target, at, signal);
  } catch (error) {
    const place = error instanceof ChangeRefused ? reader.placeOf(error.change) : undefined;
    throw place === undefined ? error : refusedAt(error as ChangeRefused, place);
  }
}

async function applyAll(
  reader: SpanReader,
  { sink, owned, progress, durable }: Target,
  at: (stage: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const batches = reader.batches(signal);
  const next = async (): Promise<Batch | undefined> => {
    at('reading');
    const { value } = await batches.next();
    return value ?? undefined;
  };
  let batch = await next();
  if (batch === undefined || reader.isThrough) {
    at(batch === undefined ? 'committing' : 'applying');
    return await sink.commitOne(owned, batch, progress, durable, signal);
  }
  await using transaction = await sink.begin(owned, signal);
  for (; batch !== undefined; batch = await next()) {
    at('applying');
    await transaction.apply(batch, signal);
  }
  at('committing');
  await transaction.commit(progress, durable, signal);
}
