import { isUtf8 } from 'node:buffer';
import { type Batch, Op } from '../../change/batch.ts';
import type { TableSchema } from '../../change/table-schema.ts';

/** The first of the changes from `from` up to `to` (exclusive) that has such a value. */
export function firstUnfit(batch: Batch, from: number, to: number): number | undefined {
  for (let i = from; i < to; i++) if (batch.op[i] !== Op.control && unfitValue(batch, i) !== undefined) return i;
  return undefined;
}

/** What is wrong with the bytes of a change's values, so that no Postgres takes them, by the column's name; undefined when nothing is. */
export function unfitValue(batch: Batch, change: number): string | undefined {
  const { columns } = batch.tables[batch.table[change] as number] as TableSchema;
  for (const row of [batch.after[change] as number, batch.before[change] as number]) {
    if (row < 0) continue;
    for (const [ordinal, { name }] of columns.entries()) {
      const start = batch.cells[2 * (row + ordinal)] as number;
      const end = batch.cells[2 * (row + ordinal) + 1] as number;
      if (end < 0) continue; // NULL, or not sent
      const value = batch.bytes.subarray(start, end);
      if (value.includes(0)) return `column "${name}" has a zero byte, which no text has`;
      if (!isUtf8(value)) return `column "${name}" is no UTF-8`;
    }
  }
  return undefined;
}
