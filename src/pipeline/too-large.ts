import { type Batch, Op } from '../change/batch.ts';
import { type TableSchema, tableName } from '../change/table-schema.ts';
import { OversizeError, type TooLargeError } from '../errors.ts';
import { dataTopic } from '../log/protocol/topics.ts';

/** The largest row of a topic in a batch. */
interface Largest {
  readonly table: TableSchema;
  readonly change: number;
  readonly bytes: number;
}

/**
 * Names the row that a topic does not take: its table, its key's columns (never a value, Invariant 11), its size, where it comes from, and how to find
 * it. The error as it is when several small rows are in the batch.
 */
export function explainTooLarge(error: TooLargeError, batch: Batch, prefix: string): OversizeError {
  const { topic, bytes, limit, records } = error.what;
  const largest = records === 1 ? largestOf(batch, topic, prefix) : undefined;
  if (largest === undefined) return error;
  const { table, change } = largest;
  const column = largestColumn(batch, largest);
  const key = table.key.map((ordinal) => table.columns[ordinal]?.name);
  const keyed = key.length === 0 ? 'without key' : `with key (${key.join(', ')})`;
  return new OversizeError(
    `A row of table ${tableName(table)}, ${keyed}, is a record of ${bytes} bytes, which is larger than topic "${topic}" takes (${limit}); ` +
      `most of it is column ${column}; it was ${originOf(batch, change)}`,
    {
      advice:
        `Raise max.message.bytes of the topic above ${bytes} (topic.creation.default.max.message.bytes is for topics that do not exist yet), or leave ` +
        `column ${column} out by column.exclude.list. The row is among those that this finds: ${queryFor(table, column)}`,
    },
  );
}

function largestOf(batch: Batch, topic: string, prefix: string): Largest | undefined {
  let largest: Largest | undefined;
  for (let change = 0; change < batch.length; change++) {
    if (batch.op[change] === Op.control) continue;
    const table = batch.tables[batch.table[change] as number] as TableSchema;
    if (dataTopic(prefix, table.schema, table.name) !== topic) continue;
    let bytes = 0;
    for (let ordinal = 0; ordinal < table.columns.length; ordinal++) bytes += sizeOf(batch, change, ordinal);
    if (largest === undefined || bytes > largest.bytes) largest = { table, change, bytes };
  }
  return largest;
}

function largestColumn(batch: Batch, { table, change }: Largest): string {
  const sizes = table.columns.map((_, ordinal) => sizeOf(batch, change, ordinal));
  return table.columns[sizes.indexOf(Math.max(...sizes))]?.name ?? '';
}

/** Bytes of a column's text, in the row as it was and as it is. */
function sizeOf({ before, after, cells }: Batch, change: number, ordinal: number): number {
  let bytes = 0;
  for (const first of [before[change] as number, after[change] as number]) {
    if (first < 0) continue;
    const cell = 2 * (first + ordinal);
    bytes += Math.max(0, (cells[cell + 1] as number) - (cells[cell] as number));
  }
  return bytes;
}

function originOf(batch: Batch, change: number): string {
  const { xid, commitLsn } = batch.transactions[batch.transaction[change] as number] ?? { xid: 0, commitLsn: 0 };
  return xid === 0 ? 'copied' : `changed by transaction ${xid}:${commitLsn}`;
}

/** Its result is the operator's to see, on the source. */
function queryFor({ schema, name, key, columns }: TableSchema, column: string): string {
  const wanted = key.length === 0 ? ['ctid'] : key.map((ordinal) => quoted(columns[ordinal]?.name ?? ''));
  return (
    `select ${wanted.join(', ')} from ${quoted(schema)}.${quoted(name)} ` +
    `order by octet_length(${quoted(column)}::text) desc nulls last limit 5`
  );
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
