import type { TableSchema } from '../../change/table-schema.ts';
import type { RelationFacts } from '../../postgres/catalog.ts';
import { computedColumns } from '../capture/computed.ts';
import type { CaptureFilter } from '../capture/filter.ts';

/** What a table looked like when events of it were written. */
export interface Shape {
  readonly id: number;
  /** The table that has the rows; their text has its columns. */
  readonly facts: RelationFacts;
  /** Of a partition: the table at the top, which the rows are told to be of. */
  readonly root: RelationFacts | undefined;
}

/** How the text of rows is read. */
export interface RowLayout {
  /** Version 0: whoever announces it counts. */
  readonly table: TableSchema;
  /** False: the filters exclude the table, its rows are passed over. */
  readonly isCaptured: boolean;
  /** By the number of a field, which cell it is; -1 for one that is not captured. */
  readonly cells: Int32Array;
}

/** The table as its rows are told: without generated columns and what the lists leave out, every old value known. */
export function toldTable(facts: RelationFacts, filter: CaptureFilter): TableSchema {
  const { schema, name, columns, key } = facts;
  const kept = columns.filter(
    (column, i) => !column.generated && (key.includes(i) || filter.column(schema, name, column.name)),
  );
  const ordinals = key.map((i) => kept.findIndex(({ attnum }) => attnum === columns[i]?.attnum));
  const sent = columns.filter(({ generated }) => !generated).map((column) => column.name);
  return {
    ...facts,
    version: 0,
    columns: kept,
    key: ordinals.includes(-1) ? [] : ordinals,
    // Whatever the table says of itself: triggers see whole rows.
    identity: 'full',
    ...computedColumns(facts, sent, filter),
  };
}

/** How rows of this shape are read. Columns of a partition stand in an order of their own. */
export function rowLayout({ facts, root }: Shape, filter: CaptureFilter): RowLayout {
  const target = root ?? facts;
  const table = toldTable(target, filter);
  const places = new Map(table.columns.map(({ name }, i) => [name, i]));
  const cells = Int32Array.from(facts.columns, ({ name, generated }) => (generated ? -1 : (places.get(name) ?? -1)));
  return { table, isCaptured: filter.table(target.schema, target.name), cells };
}
