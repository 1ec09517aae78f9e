import { type Batch, NULL, Op, UNCHANGED } from '../change/batch.ts';
import { type TableSchema, tableName } from '../change/table-schema.ts';

/** A row by its columns, as text. */
export type ToldRow = Readonly<Record<string, string | null>>;

/** Hears of each row that a batch tells: undefined when it is gone. */
export type OnRow = (table: string, op: Op, row: ToldRow | undefined) => void;

const OP_NAMES: Readonly<Record<Op, string>> = {
  [Op.control]: 'control',
  [Op.insert]: 'insert',
  [Op.update]: 'update',
  [Op.delete]: 'delete',
  [Op.keyChange]: 'key change',
  [Op.read]: 'read',
};

/** What a replica in memory would have, were every batch applied as it comes: of tables with a key, by what the batches say. */
export class ToldRows {
  readonly #tables = new Map<string, Map<string, ToldRow>>();
  readonly #onRow: OnRow;
  /** How often each operation was told, as `operation schema.table`. */
  readonly counts: Map<string, number> = new Map();

  constructor(onRow: OnRow = () => {}) {
    this.#onRow = onRow;
  }

  apply(batch: Batch): void {
    for (let i = 0; i < batch.length; i++) {
      if (batch.op[i] === Op.control) this.#control(batch, i);
      else this.#change(batch, i);
    }
  }

  /** Rows of `schema.table` by key. */
  rows(table: string): ReadonlyMap<string, ToldRow> {
    return this.#rowsOf(table);
  }

  #control(batch: Batch, i: number): void {
    const control = batch.controls[batch.table[i] as number];
    if (control === undefined) throw new Error('A batch names a control that it does not have');
    if (control.kind !== 'truncate' && control.kind !== 'snapshot-begin' && control.kind !== 'snapshot-again') return;
    for (const table of control.tables) {
      this.#rowsOf(tableName(table)).clear();
      this.#count(control.kind, table);
    }
  }

  #change(batch: Batch, i: number): void {
    const table = batch.tables[batch.table[i] as number];
    if (table === undefined) throw new Error('A batch names a table that it does not have');
    const op = batch.op[i] as Op;
    const rows = this.#rowsOf(tableName(table));
    const after = rowAt(batch, table, batch.after[i] as number);
    const before = rowAt(batch, table, batch.before[i] as number);
    this.#count(OP_NAMES[op], table);
    const oldKey = keyOf(table, before ?? after ?? {});
    const old = rows.get(oldKey);
    if (op === Op.delete || op === Op.keyChange) rows.delete(oldKey);
    const row = after === undefined ? undefined : ({ ...old, ...after } as ToldRow);
    if (row !== undefined && table.key.length > 0) rows.set(keyOf(table, row), row);
    this.#onRow(tableName(table), op, row);
  }

  #rowsOf(table: string): Map<string, ToldRow> {
    const known = this.#tables.get(table);
    if (known !== undefined) return known;
    const made = new Map<string, ToldRow>();
    this.#tables.set(table, made);
    return made;
  }

  #count(operation: string, table: TableSchema): void {
    const name = `${operation} ${tableName(table)}`;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}

/** Without the cells that were not sent. */
function rowAt(batch: Batch, table: TableSchema, first: number): ToldRow | undefined {
  if (first < 0) return undefined;
  const row: Record<string, string | null> = {};
  for (const [n, { name }] of table.columns.entries()) {
    const [start, end] = [batch.cells[2 * (first + n)] as number, batch.cells[2 * (first + n) + 1] as number];
    if (end === UNCHANGED) continue;
    row[name] = end === NULL ? null : batch.bytes.toString('utf8', start, end);
  }
  return row;
}

function keyOf(table: TableSchema, row: ToldRow): string {
  return JSON.stringify(table.key.map((n) => row[table.columns[n]?.name ?? ''] ?? null));
}
