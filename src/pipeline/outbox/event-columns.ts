import { type Batch, NULL } from '../../change/batch.ts';
import type { ByteWriter } from '../../change/byte-writer.ts';
import { type TableSchema, tableName } from '../../change/table-schema.ts';
import { OperatorError } from '../../errors.ts';
import type { OutboxSettings } from './outbox-settings.ts';

/** A column of an outbox: its place in a row. The bytes of a bytea are written, and the text of any other type. */
export interface EventColumn {
  readonly ordinal: number;
  readonly isBytes: boolean;
}

/** Where the parts of an event stand in the rows of one table version. */
export interface EventColumns {
  readonly key: EventColumn;
  readonly payload: EventColumn;
  readonly routeBy: EventColumn;
  /** The id first. */
  readonly headers: readonly { readonly name: Buffer; readonly column: EventColumn }[];
}

/** The header that tells an event from every other: consumers that are sent it twice know it by this. */
const ID_HEADER = 'id';

/** Finds the columns of an outbox. Throws OperatorError when the table lacks one. */
export function eventColumns(table: TableSchema, settings: OutboxSettings): EventColumns {
  const find = (name: string): EventColumn | undefined => {
    const ordinal = table.columns.findIndex((column) => column.name === name);
    return ordinal < 0 ? undefined : { ordinal, isBytes: table.columns[ordinal]?.type.base === 'pg_catalog.bytea' };
  };
  const need = (name: string, option: string): EventColumn => {
    const column = find(name);
    if (column !== undefined) return column;
    throw new OperatorError(`Table ${tableName(table)} is taken for an outbox, but it has no column "${name}"`, {
      advice:
        `Say the column's name in ${option}, or say in table.include.list of the transform which tables are outboxes ` +
        '(without it all captured tables are).',
    });
  };
  const id = { name: Buffer.from(ID_HEADER), column: need(settings.id, 'table.field.event.id') };
  const placed = settings.headers.flatMap(({ column, header, optional }) => {
    const found = optional ? find(column) : need(column, 'table.fields.additional.placement');
    return found === undefined ? [] : [{ name: Buffer.from(header), column: found }];
  });
  return {
    key: need(settings.key, 'table.field.event.key'),
    payload: need(settings.payload, 'table.field.event.payload'),
    routeBy: need(settings.routeBy, 'route.by.field'),
    headers: [id, ...placed],
  };
}

/** True when the column of the row whose first cell is `row` is NULL. */
export function isNull({ cells }: Batch, row: number, { ordinal }: EventColumn): boolean {
  return cells[2 * (row + ordinal) + 1] === NULL;
}

/** True when its text is empty. */
export function isEmpty({ cells }: Batch, row: number, { ordinal, isBytes }: EventColumn): boolean {
  const cell = 2 * (row + ordinal);
  return (cells[cell + 1] as number) - (cells[cell] as number) === (isBytes ? HEX_PREFIX : 0);
}

/** A bytea is printed as \x and hexadecimal digits (Invariant 10). */
const HEX_PREFIX = 2;

/** The column's text. */
export function textOf({ bytes, cells }: Batch, row: number, { ordinal }: EventColumn): string {
  const cell = 2 * (row + ordinal);
  return bytes.toString('utf8', cells[cell], cells[cell + 1]);
}

/** The bytes that stand for the column in a record, and their bounds. */
export function contentOf(
  { bytes, cells }: Batch,
  row: number,
  { ordinal, isBytes }: EventColumn,
): { readonly bytes: Buffer; readonly start: number; readonly end: number } {
  const cell = 2 * (row + ordinal);
  const [start, end] = [cells[cell] as number, cells[cell + 1] as number];
  if (!isBytes) return { bytes, start, end };
  const decoded = Buffer.from(bytes.toString('latin1', start + HEX_PREFIX, end), 'hex');
  return { bytes: decoded, start: 0, end: decoded.length };
}

/** Writes the column's content. */
export function writeContent(batch: Batch, row: number, column: EventColumn, out: ByteWriter): void {
  const { bytes, start, end } = contentOf(batch, row, column);
  out.copy(bytes, start, end);
}
