import { type TableSchema, tableName } from '../../change/table-schema.ts';
import { RecordError } from '../../errors.ts';
import { columnName } from './row-reader.ts';
import { envelopeNames } from './schema.ts';
import { type AvroNode, unwrapped } from './schema-tree.ts';

const ADVICE =
  "An id is a registry's own: see that schema.registry.url of the sink is the registry that the source writes to, and that it was not restored or emptied. " +
  'Else somebody else has written the record: look at who has access to the topic.';

/**
 * Sees that `node`, schema `id` of the registry, is what rows of `table` in `topic` were written with. A source makes it of exactly that topic and that table version:
 * another name, or a column too few, means another table or another registry, and NULL would stand for what is not there. Throws RecordError.
 */
export function assertBelongs(id: number, node: AvroNode, table: TableSchema, topic: string): void {
  const after = node.kind === 'record' ? node.fields.find((field) => field.name === 'after') : undefined;
  if (node.kind !== 'record' || after === undefined) return; // no envelope: the decoder says so
  const names = envelopeNames(topic);
  if (!names.includes(node.name)) {
    throw new RecordError(`Its schema ${id} is ${node.name}, where values of topic ${topic} have ${names[0]}`, {
      advice: ADVICE,
    });
  }
  const row = unwrapped(after.node).record;
  if (row.kind !== 'record') return;
  const known = new Set(row.fields.map(columnName));
  const missing = table.columns.find(({ name }) => !known.has(name));
  if (missing === undefined) return;
  throw new RecordError(
    `Its schema ${id} (${node.name}) lacks column "${missing.name}", which table ${tableName(table)} had when the row was written`,
    { advice: ADVICE },
  );
}
