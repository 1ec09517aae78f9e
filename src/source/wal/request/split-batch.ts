import { Batch } from '../../../change/batch.ts';
import { lsnToPosition } from '../../../postgres/lsn.ts';

/** The number of the first change of a transaction that commits at or behind `lsn`; the batch's length when there is none. */
export function firstAtOrBehind(batch: Batch, lsn: number): number {
  for (let i = 0; i < batch.length; i++) {
    if ((batch.transactions[batch.transaction[i] as number]?.commitLsn ?? 0) >= lsn) return i;
  }
  return batch.length;
}

/** Two batches over the same memory: changes below number `at`, which end at `lsn`, and the others. */
export function splitBatch(batch: Batch, at: number, lsn: number): [Batch, Batch] {
  const head = Object.assign(new Batch(1, 1, 1), batch);
  head.length = at;
  head.position = lsnToPosition(lsn);
  const tail = Object.assign(new Batch(1, 1, 1), batch);
  tail.length = batch.length - at;
  tail.op = batch.op.subarray(at);
  tail.table = batch.table.subarray(at);
  tail.transaction = batch.transaction.subarray(at);
  tail.lsn = batch.lsn.subarray(at);
  tail.before = batch.before.subarray(at);
  tail.after = batch.after.subarray(at);
  return [head, tail];
}
