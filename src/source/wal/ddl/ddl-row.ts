import type { Batch } from '../../../change/batch.ts';
import type { TableSchema } from '../../../change/table-schema.ts';

/** One row of `rowcast.ddl`. */
export interface DdlRow {
  readonly id: number;
  readonly tag: string;
  readonly at?: string;
  /** The text of an ALTER TABLE: it may hold anything, and stays at the source. */
  readonly command: string | undefined;
  readonly body: string;
}

/** The row that the batch holds as its only one. */
export function readDdlRow(table: TableSchema, batch: Batch): DdlRow {
  const text = (name: string): string | undefined => {
    const i = table.columns.findIndex((column) => column.name === name);
    const [from, to] = [batch.cells[2 * i] ?? 0, batch.cells[2 * i + 1] ?? -1];
    return i < 0 || to < 0 ? undefined : batch.bytes.toString('utf8', from, to);
  };
  const [id, tag, body] = [text('id'), text('tag'), text('body')];
  if (id === undefined || tag === undefined || body === undefined) throw new Error('A row of rowcast.ddl is not whole');
  const at = text('at');
  return { id: Number(id), tag, ...(at !== undefined && { at }), command: text('command'), body };
}
