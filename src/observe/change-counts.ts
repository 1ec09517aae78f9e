import { type Batch, Op } from '../change/batch.ts';

/** How many changes went by, by kind. Rows that a snapshot read are counted apart: they are copied, not streamed. */
export interface ChangeCounts {
  copied: number;
  inserts: number;
  updates: number;
  deletes: number;
  keyChanges: number;
}

/** Counts from nothing. */
export function noChanges(): ChangeCounts {
  return { copied: 0, inserts: 0, updates: 0, deletes: 0, keyChanges: 0 };
}

/** Adds the changes of a batch. */
export function countBatch(counts: ChangeCounts, batch: Batch): void {
  for (let i = 0; i < batch.length; i++) {
    const op = batch.op[i] as Op;
    switch (op) {
      case Op.read:
        counts.copied++;
        break;
      case Op.insert:
        counts.inserts++;
        break;
      case Op.update:
        counts.updates++;
        break;
      case Op.delete:
        counts.deletes++;
        break;
      case Op.keyChange:
        counts.keyChanges++;
        break;
      case Op.control:
        break;
      default:
        op satisfies never;
    }
  }
}

/** Adds other counts. */
export function addCounts(counts: ChangeCounts, more: ChangeCounts): void {
  counts.copied += more.copied;
  counts.inserts += more.inserts;
  counts.updates += more.updates;
  counts.deletes += more.deletes;
  counts.keyChanges += more.keyChanges;
}

/** Changes of all kinds that were streamed. */
export function streamedChanges(counts: ChangeCounts): number {
  return counts.inserts + counts.updates + counts.deletes + counts.keyChanges;
}
