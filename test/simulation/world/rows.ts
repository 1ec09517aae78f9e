import { type Batch, Op, NULL, UNCHANGED } from '../../../src/change/batch.ts';
import type { Column, TableSchema } from '../../../src/change/table-schema.ts';

/** A row as the model sees it: cells as text, null, or undefined for UNCHANGED. */
export type ModelRow = readonly (string | null | undefined)[];

/** An operation of the source, on `table` (a number; -1 for a truncate of all tables). */
export interface ModelChange {
  readonly op: Op;
  readonly table: number;
  readonly before: ModelRow | undefined;
  readonly after: ModelRow | undefined;
  /** What a target that applied it has to show: see `shownChange`. */
  readonly shown: string;
}

/** Names of the modelled tables. */
export const NAMES: readonly string[] = ['orders', 'items', 'events'];
/** The table without key, under REPLICA IDENTITY FULL. */
export const KEYLESS = 2;

/** The tables of the modelled database; the last one has no key. */
export function modelTable(table: number, version: number): TableSchema {
  return {
    relationId: 16384 + table,
    version,
    schema: 'public',
    name: NAMES[table] as string,
    columns: COLUMNS,
    key: table === KEYLESS ? [] : [0],
    identity: table === KEYLESS ? 'full' : 'default',
  };
}

function column(name: string, index: number): Column {
  const text = { name: 'pg_catalog.text', declared: 'text', base: 'pg_catalog.text', oid: 25 };
  return {
    name,
    attnum: index + 1,
    type: { ...text, modifier: -1, baseModifier: -1, kind: 'base' },
    nullable: index > 0,
  };
}

const COLUMNS: readonly Column[] = ['id', 'v', 'big'].map(column);

/** One line that says what a change does. The oracle and the target must write the same lines. */
export function shownChange(op: Op, table: string, before: ModelRow | undefined, after: ModelRow | undefined): string {
  return `${op} ${table} ${showRow(before)} ${showRow(after)}`;
}

function showRow(row: ModelRow | undefined): string {
  if (row === undefined) return '-';
  return row.map((cell) => (cell === null ? 'NULL' : cell === undefined ? 'UNCHANGED' : `'${cell}'`)).join(',');
}

/** The change `i` of a batch as `shownChange` writes it; controls by their kind and tables. Tables are announced, not applied. */
export function showBatchChange(batch: Batch, i: number): string | undefined {
  const op = batch.op[i] as Op;
  const slot = batch.table[i] as number;
  if (op === Op.control) {
    const control = batch.controls[slot];
    if (control === undefined) return 'missing control';
    return control.kind === 'table' || control.kind === 'ddl' || control.kind === 'sequences'
      ? undefined
      : `${control.kind} ${control.tables.map((table) => table.name).join(',')}`;
  }
  const table = batch.tables[slot];
  if (table === undefined) return 'missing table';
  const width = table.columns.length;
  return shownChange(
    op,
    table.name,
    cellsOf(batch, batch.before[i] as number, width),
    cellsOf(batch, batch.after[i] as number, width),
  );
}

function cellsOf(batch: Batch, first: number, width: number): ModelRow | undefined {
  if (first < 0) return undefined;
  return Array.from({ length: width }, (_, i) => {
    const start = batch.cells[2 * (first + i)] as number;
    const end = batch.cells[2 * (first + i) + 1] as number;
    if (end === NULL) return null;
    return end === UNCHANGED ? undefined : batch.bytes.toString('latin1', start, end);
  });
}

/** Adds a row's cells to a batch and returns the first one's number. */
export function addRow(batch: Batch, row: ModelRow | undefined): number {
  if (row === undefined) return -1;
  const first = batch.cellCount;
  for (const cell of row) {
    if (cell === null) batch.addCell(0, NULL);
    else if (cell === undefined) batch.addCell(0, UNCHANGED);
    else {
      const at = batch.reserve(cell.length);
      batch.byteLength = at + batch.bytes.write(cell, at, 'latin1');
      batch.addCell(at, batch.byteLength);
    }
  }
  return first;
}
