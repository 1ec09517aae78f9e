import { type Batch, Op, UNCHANGED, NULL } from '../../src/change/batch.ts';
import type { Sink, SinkTransaction } from '../../src/sink/sink.ts';

/** Bugs that can be planted between the loop and the sink, to see that rounds notice them. */
export const PLANTS = [
  'drop-update',
  'drop-delete',
  'drop-truncate',
  'toast-to-null',
  'empty-to-null',
  'insert-late',
] as const;
export type Plant = (typeof PLANTS)[number];

const HARMS: Readonly<Record<Plant, (batch: Batch) => void>> = {
  'drop-update': (batch) => drop(batch, (op) => op === Op.update),
  'drop-delete': (batch) => drop(batch, (op) => op === Op.delete),
  'drop-truncate': (batch) =>
    drop(batch, (op, i) => op === Op.control && batch.controls[batch.table[i] as number]?.kind === 'truncate'),
  'toast-to-null': (batch) => change(batch, (end) => (end === UNCHANGED ? NULL : end)),
  'empty-to-null': (batch) => change(batch, (end, start) => (end === start ? NULL : end)),
  'insert-late': (batch) => swapLast(batch),
};

/** The sink, with a bug. */
export function planted(sink: Sink, plant: Plant): Sink {
  const harm = HARMS[plant];
  return {
    claim: (signal) => sink.claim(signal),
    async commitOne(owned, batch, ...rest): Promise<void> {
      if (batch !== undefined) harm(batch);
      await sink.commitOne(owned, batch, ...rest);
    },
    async begin(owned, signal): Promise<SinkTransaction> {
      const inner = await sink.begin(owned, signal);
      return {
        async apply(batch, each): Promise<void> {
          harm(batch);
          await inner.apply(batch, each);
        },
        commit: (progress, durable, each) => inner.commit(progress, durable, each),
        [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
      };
    },
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
  };
}

/** Leaves the first such change out. */
function drop(batch: Batch, isVictim: (op: number, i: number) => boolean): void {
  for (let i = 0; i < batch.length; i++) {
    if (!isVictim(batch.op[i] as number, i)) continue;
    for (const column of [batch.op, batch.table, batch.transaction, batch.lsn, batch.before, batch.after]) {
      column.copyWithin(i, i + 1, batch.length);
    }
    batch.length--;
    return;
  }
}

function change(batch: Batch, end: (end: number, start: number) => number): void {
  for (let c = 0; c < batch.cellCount; c++) {
    batch.cells[2 * c + 1] = end(batch.cells[2 * c + 1] as number, batch.cells[2 * c] as number);
  }
}

/** The last change comes before the one that was before it. */
function swapLast({ op, table, transaction, lsn, before, after, length }: Batch): void {
  if (length < 2 || op[length - 1] === Op.control || op[length - 2] === Op.control) return;
  for (const column of [op, table, transaction, lsn, before, after]) {
    [column[length - 1], column[length - 2]] = [column[length - 2] as number, column[length - 1] as number];
  }
}
