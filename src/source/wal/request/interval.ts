import { Batch, type Control, type Transaction } from '../../../change/batch.ts';

/** An empty batch of one transaction. */
export function batchOf(transaction: Transaction): Batch {
  const batch = new Batch();
  batch.transactions.push(transaction);
  return batch;
}

/** Lets the batch's first transaction say something. */
export function control(batch: Batch, said: Control): void {
  batch.addControl(said, 0, batch.transactions[0]?.commitLsn ?? 0);
}
