import type { TableSchema } from '../../../change/table-schema.ts';
import type { RawSignal } from '../../../change/signal.ts';
import { Batch } from '../../../change/batch.ts';
import { formatLsn } from '../../../postgres/lsn.ts';
import type { RelationMessage } from '../decoder.ts';
import { appendTuple, type TupleLayout } from '../tuple.ts';

/** How the rows of the table of signals are read, whatever is captured of it. */
export interface SignalLayout extends TupleLayout {
  readonly columns: readonly string[];
}

/** The columns as the stream has them. */
export function signalLayout({ columns }: Pick<RelationMessage, 'columns'>): SignalLayout {
  return {
    columns: columns.map(({ name }) => name),
    keep: new Uint8Array(columns.length).fill(1),
    required: new Uint8Array(columns.length),
  };
}

/** Whether the table has the columns of a table of signals; which ones it lacks is told. */
export function missingColumns({ columns }: Pick<SignalLayout, 'columns'>): readonly string[] {
  return ['id', 'type', 'data'].filter((name) => !columns.includes(name));
}

/** The signal that a new row is. Its place, the LSN of the row, is no other row's. */
export function signalOfRow(layout: SignalLayout, bytes: Buffer, at: number, end: number, lsn: number): RawSignal {
  const row = new Batch(1, layout.columns.length + 1, end - at);
  appendTuple(row, bytes, at, end, layout);
  const text = (name: string): string | undefined => {
    const i = layout.columns.indexOf(name);
    const [from, to] = [row.cells[2 * i] ?? 0, row.cells[2 * i + 1] ?? -1];
    return i < 0 || to < 0 ? undefined : row.bytes.toString('utf8', from, to);
  };
  return { id: text('id'), type: text('type'), data: text('data'), place: `source:${formatLsn(lsn)}` };
}

/** True for the table that a setting names as `schema.table`. */
export function isNamed({ schema, name }: Pick<TableSchema, 'schema' | 'name'>, setting: string | undefined): boolean {
  return `${schema}.${name}` === setting;
}
