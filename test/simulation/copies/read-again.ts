import { Op } from '../../../src/change/batch.ts';
import type { Incomplete } from '../../../src/source/wal/catch-up.ts';
import { addRow } from '../world/rows.ts';
import type { State } from './history.ts';

/** Completes a row of the keyed table as the source does it: as it is now, and what is gone leaves its old key. */
export function readAgain({ batch, change, columns }: Incomplete, now: State): void {
  const after = batch.after[change] as number;
  const [from, to] = [batch.cells[2 * after] as number, batch.cells[2 * after + 1] as number];
  const row = now.keyed.get(batch.bytes.toString('latin1', from, to));
  if (row === undefined) {
    batch.op[change] = Op.delete;
    batch.after[change] = -1;
    return;
  }
  for (const column of columns) {
    const cell = addRow(batch, [row[column]]);
    for (const bound of [0, 1]) batch.cells[2 * (after + column) + bound] = batch.cells[2 * cell + bound] as number;
  }
}
