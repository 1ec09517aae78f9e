import { type Batch, UNCHANGED } from '../../change/batch.ts';
import { type TableSchema, tableName } from '../../change/table-schema.ts';
import { OperatorError } from '../../errors.ts';
import type { AvroInput } from './avro-input.ts';
import { cellReader } from './cell-reader.ts';
import { placeholderText } from './cell-writer.ts';
import type { CellReader } from './number-reader.ts';
import { COLUMN_NAME_PARAMETER } from './column-schema.ts';
import { type AvroField, type AvroNode, unwrapped } from './schema-tree.ts';
import { type Skip, skipper } from './skip.ts';

const NO_READER: CellReader = () => undefined;

/** One field of the writer's row. */
interface Slot {
  /** The column in the reader's table; -1 when the value is passed over. */
  readonly ordinal: number;
  /** Which branch of its union is null; -1 for a field that is no union. */
  readonly nullBranch: number;
  readonly read: CellReader;
  readonly skip: Skip;
  /** The text that stands for a value that was not sent, where the type has one. */
  readonly placeholder: Buffer | undefined;
}

/** Reads a writer's rows into the cells of a table's columns, which it finds by their names. */
export class RowReader {
  /** By field: the column in the reader's table that it is, or -1. */
  readonly ordinals: readonly number[];
  readonly #slots: readonly Slot[];
  readonly #nullBranch: number;

  /** `node` is the row's record or its union with null; of a key-only row the columns outside the key are not read. */
  constructor(node: AvroNode, table: TableSchema, id: number, isKeyOnly: boolean) {
    const { record, nullBranch } = unwrapped(node);
    const fields = record.kind === 'record' ? record.fields : [];
    this.#nullBranch = nullBranch;
    this.ordinals = fields.map((field) => {
      const name = columnName(field);
      return table.columns.findIndex((column) => column.name === name);
    });
    this.#slots = fields.map((field, i) => {
      const ordinal = this.ordinals[i] as number;
      const isRead = ordinal >= 0 && (!isKeyOnly || table.key.includes(ordinal));
      return slotOf(field, isRead ? ordinal : -1, table, id);
    });
  }

  /** Whether a row follows; reads the union's branch. */
  isPresent(input: AvroInput): boolean {
    return this.#nullBranch < 0 || isValue(input, this.#nullBranch);
  }

  /**
   * Reads a row into the cells from `row` on, which are NULL; a column that the writer lacks stays so. Behind each value is one spare
   * byte, and two more stand for NULL: room for what COPY's text has there, so that whole rows can be copied as they stand.
   */
  read(input: AvroInput, batch: Batch, row: number): void {
    const slots = this.#slots;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as Slot;
      const isNull = slot.nullBranch >= 0 && !isValue(input, slot.nullBranch);
      if (slot.ordinal < 0) {
        if (!isNull) slot.skip(input);
        continue;
      }
      const start = batch.byteLength;
      const cell = 2 * (row + slot.ordinal);
      batch.cells[cell] = start;
      if (isNull) {
        spare(batch, 3);
        continue;
      }
      slot.read(input, batch);
      batch.cells[cell + 1] = isPlaceholder(slot, batch, start) ? UNCHANGED : batch.byteLength;
      spare(batch, 1);
    }
  }
}

/** Leaves bytes between values; zeros, so that they look like no byte that has to be escaped. */
function spare(batch: Batch, count: number): void {
  let at = batch.reserve(count);
  const { bytes } = batch;
  for (let n = count; n > 0; n--) bytes[at++] = 0;
  batch.byteLength = at;
}

function isValue(input: AvroInput, nullBranch: number): boolean {
  const branch = input.int();
  if (branch === nullBranch) return false;
  if (branch !== 1 - nullBranch) throw input.error('has a union branch that there is not');
  return true;
}

function slotOf(field: AvroField, ordinal: number, table: TableSchema, id: number): Slot {
  const { record: node, nullBranch } = unwrapped(field.node);
  const skip = skipper(node);
  if (ordinal < 0) return { ordinal, nullBranch, skip, read: NO_READER, placeholder: undefined };
  const read = cellReader(node);
  if (read === undefined) throw unreadable(field, table, id);
  const type = node.kind === 'primitive' && node.props['connect.name'] === undefined ? node.type : undefined;
  const text = placeholderText(type === 'bytes' ? 'bytes' : isString(node) ? 'string' : 'int32');
  return { ordinal, nullBranch, read, skip, placeholder: text === undefined ? undefined : Buffer.from(text) };
}

function isString(node: AvroNode): boolean {
  return node.kind === 'primitive' && node.type === 'string';
}

/** The column's own name, which may not be legal in Avro. */
export function columnName(field: AvroField): string {
  const { record: node } = unwrapped(field.node);
  const ofType = node.kind === 'primitive' || node.kind === 'map' ? node.props['connect.parameters'] : undefined;
  const parameters = (ofType ?? field.props['connect.parameters'] ?? {}) as Readonly<Record<string, unknown>>;
  const name = parameters[COLUMN_NAME_PARAMETER];
  return typeof name === 'string' ? name : field.name;
}

function unreadable(field: AvroField, table: TableSchema, id: number): OperatorError {
  const type = unwrapped(field.node).record;
  const what = type.kind === 'primitive' ? [type.type, type.props['connect.name']].join(' ').trim() : type.kind;
  return new OperatorError(`Column "${field.name}" of table ${tableName(table)} has type ${what} in schema ${id}`, {
    advice:
      'This type cannot be turned into Postgres text; leave the column out with column.exclude.list, or have Rowcast write the topic.',
  });
}

function isPlaceholder(slot: Slot, batch: Batch, start: number): boolean {
  const { placeholder } = slot;
  if (placeholder === undefined || batch.byteLength - start !== placeholder.length) return false;
  return placeholder.compare(batch.bytes, start, batch.byteLength) === 0;
}
