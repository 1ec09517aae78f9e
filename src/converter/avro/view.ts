import { Batch, NULL, UNCHANGED } from '../../change/batch.ts';
import type { Column, TableSchema } from '../../change/table-schema.ts';
import { OperatorError, RecordError } from '../../errors.ts';
import { schemaId } from '../converter.ts';
import { AvroInput } from './avro-input.ts';
import { createAvroDecoder } from './decode.ts';
import { columnName, RowReader } from './row-reader.ts';
import { type AvroNode, schemaTree } from './schema-tree.ts';

/** A row for people: Postgres's text by column, `null` for NULL; a value that was not sent is absent. */
export type RowView = Readonly<Record<string, string | null>>;

/** Reads one framed record into the rows that it has. Throws RecordError for bytes that its schema does not describe. */
export type Viewer = (bytes: Buffer, exact: Buffer) => { readonly before?: RowView; readonly after?: RowView };

/** Reads values of an envelope that was written with this schema (valid Avro, parsed JSON); needs no table, and no types of a server. */
export function envelopeViewer(id: number, schema: unknown): Viewer {
  const tree = schemaTree(schema);
  const after = tree.kind === 'record' ? tree.fields.find(({ name }) => name === 'after') : undefined;
  if (after === undefined) throw new OperatorError(`Schema ${id} is not that of a change: it has no field "after"`);
  const table = tableOf(after.node);
  const decoder = createAvroDecoder(id, schema, table);
  return (bytes, exact) => {
    const batch = new Batch(1, table.columns.length * 2);
    const all = Buffer.concat([bytes, exact]);
    decoder.decode(all, 0, bytes.length, bytes.length, all.length, batch);
    const { before, after: now } = decoder;
    return {
      ...(before >= 0 && { before: rowView(batch, table, before) }),
      ...(now >= 0 && { after: rowView(batch, table, now) }),
    };
  };
}

/** Reads keys that were written with this schema: a row of the key's columns. */
export function keyViewer(id: number, schema: unknown): (bytes: Buffer) => RowView {
  const tree = schemaTree(schema);
  const table = tableOf(tree);
  const reader = new RowReader(tree, table, id, false);
  const input = new AvroInput(`Key with schema ${id}`);
  return (bytes) => {
    if (schemaId(bytes, 0, bytes.length) !== id)
      throw new RecordError(`A key does not begin with the id of schema ${id}`);
    const batch = new Batch(1, table.columns.length);
    batch.addNulls(table.columns.length);
    input.open(bytes, 5, bytes.length);
    reader.read(input, batch, 0);
    return rowView(batch, table, 0);
  };
}

/** A table with the columns that a row's schema has; readers go by their names alone. */
function tableOf(node: AvroNode): TableSchema {
  const row = node.kind === 'union' ? node.branches.find(({ kind }) => kind === 'record') : node;
  const fields = row?.kind === 'record' ? row.fields : [];
  const type = { oid: 25, name: 'pg_catalog.text', declared: 'text', modifier: -1, kind: 'base' } as const;
  const columns = fields.map((field, i): Column => {
    return {
      name: columnName(field),
      attnum: i + 1,
      type: { ...type, base: type.name, baseModifier: -1 },
      nullable: true,
    };
  });
  return { relationId: 0, version: 0, schema: '', name: 'of a record', columns, key: [], identity: 'full' };
}

function rowView(batch: Batch, { columns }: TableSchema, row: number): RowView {
  const view: Record<string, string | null> = {};
  for (const [i, { name }] of columns.entries()) {
    const start = batch.cells[2 * (row + i)] as number;
    const end = batch.cells[2 * (row + i) + 1] as number;
    if (end === NULL) view[name] = null;
    else if (end !== UNCHANGED) view[name] = batch.bytes.toString('utf8', start, end);
  }
  return view;
}
