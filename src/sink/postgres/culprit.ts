import type { Batch } from '../../change/batch.ts';
import { RecordError } from '../../errors.ts';
import { sqlState } from '../../postgres/errors.ts';
import { ChangeRefused } from '../sink.ts';
import type { Rows } from './segment.ts';
import { unfitValue } from './unfit-value.ts';

/** A message of the protocol that ends before its length says so: a value with a zero byte in a statement. */
const CUT_MESSAGE = '08P01';
const ROW_CONSTRAINTS: ReadonlySet<string> = new Set(['23502', '23514']);
const ADVICE =
  'No Postgres has sent this: the record was damaged, or somebody else has written it. Look at who has access to the topic. Make a new replica by a snapshot under a new topic.prefix.';

/** Whether the server objects to the values of one row, which then can be found; not to how rows stand to each other. */
export function isOfValues(error: unknown): error is Error {
  const state = sqlState(error);
  if (state === CUT_MESSAGE) return true;
  return error instanceof RecordError && state !== undefined && (!state.startsWith('23') || ROW_CONSTRAINTS.has(state));
}

/**
 * The first change that is refused as the rows were: ever smaller beginnings of them are tried, so that it takes about as much work as all rows twice. `tryPart` applies a
 * part and returns what stands against it; then nothing of it is there. Undefined when it is not one change alone.
 */
export async function findCulprit(
  refusal: Error,
  rows: Rows,
  tryPart: (part: Rows) => Promise<Error | undefined>,
): Promise<number | undefined> {
  let { from, to } = rows;
  while (to - from > 1) {
    const half = from + ((to - from) >> 1);
    if ((await tryPart(partOf(rows, from, half))) === undefined) from = half;
    else to = half;
  }
  const last = await tryPart(partOf(rows, from, to));
  return last !== undefined && sqlState(last) === sqlState(refusal) ? from : undefined;
}

/** The refusal, said of its change: what is unfit about a value, where its bytes show it. */
export function refusedChange(refusal: Error, batch: Batch, change: number): Error {
  const unfit = unfitValue(batch, change);
  if (unfit !== undefined) {
    return new ChangeRefused(`${refusal.message}: ${unfit}`, change, { cause: refusal.cause, advice: ADVICE });
  }
  if (!(refusal instanceof RecordError)) return refusal;
  return new ChangeRefused(refusal.message, change, {
    cause: refusal.cause,
    ...(refusal.advice && { advice: refusal.advice }),
  });
}

function partOf({ tables }: Rows, from: number, to: number): Rows {
  const within = [...tables].map(([table, changes]) => [table, changes.filter((i) => i >= from && i < to)] as const);
  return { from, to, tables: new Map(within.filter(([, changes]) => changes.length > 0)) };
}
