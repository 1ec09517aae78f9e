import { type Batch, type Control, Op } from '../../change/batch.ts';
import type { TableSchema } from '../../change/table-schema.ts';

/** Changes `from` up to `to` (exclusive) between two controls, but for controls that say nothing; per table they may be coalesced. */
export interface Rows {
  readonly from: number;
  readonly to: number;
  /** Numbers of the changes by table. */
  readonly tables: ReadonlyMap<TableSchema, readonly number[]>;
}

export type Segment = { readonly control: Control } | { readonly rows: Rows };

/**
 * Cuts a batch where order between tables matters: at controls, and where another version of a table begins. A table version that the target
 * is known to be at (asked when it is met) says nothing, and is passed over.
 */
export function* cutSegments(batch: Batch, isAt: (table: TableSchema) => boolean = () => false): Generator<Segment> {
  let from = 0;
  let tables = new Map<TableSchema, number[]>();
  let versions = new Map<number, TableSchema>();
  for (let i = 0; i <= batch.length; i++) {
    const op = batch.op[i];
    const control = i < batch.length && op === Op.control ? batch.controls[batch.table[i] as number] : undefined;
    if (control?.kind === 'table' && isAt(control.table)) continue;
    const schema =
      i < batch.length && op !== Op.control ? (batch.tables[batch.table[i] as number] as TableSchema) : undefined;
    const list = schema && tables.get(schema);
    if (list !== undefined) {
      list.push(i);
      continue;
    }
    if (schema === undefined || (versions.get(schema.relationId) ?? schema) !== schema) {
      if (tables.size > 0) yield { rows: { from, to: i, tables } };
      from = i;
      tables = new Map();
      versions = new Map();
    }
    if (schema !== undefined) {
      tables.set(schema, [i]);
      versions.set(schema.relationId, schema);
    } else if (control !== undefined) {
      yield { control };
      from = i + 1;
    }
  }
}
