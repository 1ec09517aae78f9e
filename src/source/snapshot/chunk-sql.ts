import type { KeyRange, KeyText } from '../../change/copy-state.ts';
import type { TableSchema } from '../../change/table-schema.ts';
import { qualified, quoteIdentifier, quoteLiteral } from '../../postgres/identifier.ts';

/** A table to copy, with the rows that are wanted. */
export interface SnapshotTable {
  readonly table: TableSchema;
  /** SQL condition, as the publication prints it. */
  readonly rowFilter: string | undefined;
  /** True: the rows are those of its partitions. False: the rows of tables that inherit from it are not its own. */
  readonly isPartitioned: boolean;
  /** Columns of the index by which it is copied in ranges, in its order; empty: only as a whole. */
  readonly rangeColumns: readonly string[];
  /** About so many rows make a chunk. */
  readonly chunkRows: number;
}

/** By a select, because COPY of a table's name leaves out partitions and knows no condition. */
export function copyStatement(source: SnapshotTable, range: KeyRange): string {
  const columns = source.table.columns.map(({ name }) => quoteIdentifier(name)).join(', ');
  const conditions = rangeConditions(source, range);
  if (source.rowFilter !== undefined) conditions.push(`(${source.rowFilter})`);
  return /* sql */ `copy (select ${columns} from ${fromOf(source)}${whereOf(conditions)}) to stdout`;
}

/** Finds the key at which the chunk that begins behind `range.from` ends; no row when the rest of the range is one chunk. */
export function boundaryStatement(source: SnapshotTable, range: KeyRange): string {
  const columns = source.rangeColumns.map(quoteIdentifier).join(', ');
  const where = whereOf(rangeConditions(source, range));
  return /* sql */ `select ${columns} from ${fromOf(source)}${where} order by ${columns} offset ${source.chunkRows - 1} limit 1`;
}

function fromOf({ table, isPartitioned }: SnapshotTable): string {
  return `${isPartitioned ? '' : 'only '}${qualified(table.schema, table.name)}`;
}

function whereOf(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`;
}

/** Every key text is exactly what the server printed. It is given its type, because the server finds none for a composite value by itself. */
function rangeConditions({ table, rangeColumns }: SnapshotTable, { from, to }: KeyRange): string[] {
  const row = (values: readonly string[]): string => `row(${values.join(', ')})`;
  const columns = row(rangeColumns.map(quoteIdentifier));
  const typed = (text: string, i: number): string => {
    const type = table.columns.find(({ name }) => name === rangeColumns[i])?.type.base;
    return `${quoteLiteral(text)}${type === undefined ? '' : `::${type}`}`;
  };
  const literals = (key: KeyText): string => row(key.map(typed));
  return [
    ...(from === null ? [] : [`${columns} > ${literals(from)}`]),
    ...(to === null ? [] : [`${columns} <= ${literals(to)}`]),
  ];
}
