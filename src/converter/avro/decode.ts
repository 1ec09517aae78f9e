import { type Batch, NULL, UNCHANGED } from '../../change/batch.ts';
import { type TableSchema, tableName } from '../../change/table-schema.ts';
import { OperatorError, RecordError } from '../../errors.ts';
import { type RowDecoder, schemaId } from '../converter.ts';
import { ExactKind, ExactReader, ExactSide } from '../exact.ts';
import { AvroInput } from './avro-input.ts';
import { assertBelongs } from './belongs.ts';
import { RowReader } from './row-reader.ts';
import { type AvroField, type AvroNode, schemaTree } from './schema-tree.ts';
import { type Skip, skipper } from './skip.ts';

/**
 * The decoder of values written with `schema` (valid Avro, parsed JSON), which the registry knows as `id`, for rows of `table`.
 * Throws OperatorError when it is no envelope, or when a column has a type that cannot be turned into Postgres text, and RecordError when
 * it is not what a source writes to `topic`; without that, columns that it lacks are NULL.
 */
export function createAvroDecoder(id: number, schema: unknown, table: TableSchema, topic?: string): RowDecoder {
  const node = schemaTree(schema);
  if (topic !== undefined) assertBelongs(id, node, table, topic);
  return new AvroDecoder(id, node, table);
}

class AvroDecoder implements RowDecoder {
  before = -1;
  after = -1;
  readonly #id: number;
  readonly #name: string;
  readonly #input: AvroInput;
  readonly #exact: ExactReader = new ExactReader();
  readonly #columns: number;
  /** The envelope's fields up to `after`, in their order. */
  readonly #fields: readonly (Skip | 'before' | 'after')[];
  readonly #beforeRow: RowReader;
  readonly #afterRow: RowReader;

  constructor(id: number, node: AvroNode, table: TableSchema) {
    this.#id = id;
    this.#name = `Value of table ${tableName(table)} with schema ${id}`;
    this.#input = new AvroInput(this.#name);
    this.#columns = table.columns.length;
    const fields = node.kind === 'record' ? node.fields : [];
    const after = fields.findIndex((field) => field.name === 'after');
    const before = fields.find((field) => field.name === 'before');
    if (after < 0) throw noEnvelope(id);
    this.#fields = fields.slice(0, after + 1).map((field) => {
      return field.name === 'after' || field.name === 'before' ? field.name : skipper(field.node);
    });
    this.#afterRow = new RowReader(rowOf(fields[after] as AvroField, id), table, id, false);
    this.#beforeRow =
      before === undefined ? this.#afterRow : new RowReader(rowOf(before, id), table, id, table.identity !== 'full');
  }

  decode(bytes: Buffer, start: number, end: number, exactStart: number, exactEnd: number, batch: Batch): void {
    if (schemaId(bytes, start, Math.min(end, bytes.length)) !== this.#id) {
      throw new RecordError(`${this.#name} does not begin with this schema's id`);
    }
    const { cellCount, byteLength } = batch;
    this.before = -1;
    this.after = -1;
    try {
      this.#decodeRows(bytes, start + 5, Math.min(end, bytes.length), batch);
      if (exactEnd > exactStart) this.#applyExact(bytes, exactStart, exactEnd, batch);
    } catch (error) {
      batch.cellCount = cellCount;
      batch.byteLength = byteLength;
      throw error;
    }
  }

  release(): void {
    this.#input.close();
    this.#exact.close();
  }

  #decodeRows(bytes: Buffer, start: number, end: number, batch: Batch): void {
    const input = this.#input;
    input.open(bytes, start, end);
    for (const field of this.#fields) {
      if (typeof field === 'function') {
        field(input);
        continue;
      }
      const isBefore = field === 'before';
      const reader = isBefore ? this.#beforeRow : this.#afterRow;
      if (!reader.isPresent(input)) continue;
      const row = batch.cellCount;
      batch.addNulls(this.#columns);
      reader.read(input, batch, row);
      if (isBefore) this.before = row;
      else this.after = row;
    }
  }

  #applyExact(bytes: Buffer, start: number, end: number, batch: Batch): void {
    const exact = this.#exact;
    exact.open(bytes, start, end);
    while (exact.next()) {
      const isBefore = exact.side === ExactSide.before;
      const row = isBefore ? this.before : this.after;
      const ordinal = (isBefore ? this.#beforeRow : this.#afterRow).ordinals[exact.column];
      if (row < 0 || ordinal === undefined) throw new RecordError(`${this.#name} lacks a row of its exact header`);
      if (ordinal < 0) continue;
      const cell = 2 * (row + ordinal);
      if (exact.kind === ExactKind.text) {
        const size = exact.textEnd - exact.textStart;
        const at = batch.reserve(size);
        bytes.copy(batch.bytes, at, exact.textStart, exact.textEnd);
        batch.byteLength = at + size;
        batch.cells[cell] = at;
        batch.cells[cell + 1] = at + size;
      } else batch.cells[cell + 1] = exact.kind === ExactKind.null ? NULL : UNCHANGED;
    }
  }
}

/** The type of `before` or `after`: a record, or a union of null and a record. */
function rowOf(field: AvroField, id: number): AvroNode {
  const { node } = field;
  const isRow =
    node.kind === 'record' ||
    (node.kind === 'union' &&
      node.branches.length === 2 &&
      node.branches.some((branch) => branch.kind === 'record') &&
      node.branches.some((branch) => branch.kind === 'primitive' && branch.type === 'null'));
  if (!isRow) throw noEnvelope(id);
  return node;
}

function noEnvelope(id: number): OperatorError {
  return new OperatorError(`Schema ${id} is not an envelope with before and after`, {
    advice:
      'Read topics whose values are Debezium envelopes; values flattened by ExtractNewRecordState have lost their operation.',
  });
}
