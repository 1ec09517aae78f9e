import { type Batch, Op } from '../change/batch.ts';
import { addCounts, type ChangeCounts, noChanges } from './change-counts.ts';

/** Changes by table (`schema.name`). Plain data; what is beyond the first hundred tables is counted as `other`. */
export type TableChanges = Record<string, ChangeCounts>;

/** Each table is a handful of series in whatever collects them, and a part of every status. */
const MOST_TABLES = 100;
/** No table has this name: theirs have a dot. */
export const OTHER_TABLES = 'other';
const KINDS = 8;

/** Adds the changes of a batch. */
export function countTables(tables: TableChanges, batch: Batch): void {
  const tally = new Uint32Array(batch.tables.length * KINDS);
  for (let i = 0; i < batch.length; i++) {
    const op = batch.op[i] as Op;
    if (op === Op.control) continue;
    const at = (batch.table[i] as number) * KINDS + op;
    tally[at] = (tally[at] as number) + 1;
  }
  for (const [i, { schema, name }] of batch.tables.entries()) {
    const of = (op: Op): number => tally[i * KINDS + op] as number;
    const found: ChangeCounts = {
      copied: of(Op.read),
      inserts: of(Op.insert),
      updates: of(Op.update),
      deletes: of(Op.delete),
      keyChanges: of(Op.keyChange),
    };
    if (Object.values(found).some((count) => count > 0)) addTable(tables, `${schema}.${name}`, found);
  }
}

/** Adds other counts. */
export function addTables(tables: TableChanges, more: TableChanges): void {
  for (const [name, counts] of Object.entries(more)) addTable(tables, name, counts);
}

function addTable(tables: TableChanges, name: string, counts: ChangeCounts): void {
  addCounts((tables[keyOf(tables, name)] ??= noChanges()), counts);
}

/** Where others are counted there is no room for a new one: with a thousand tables nobody counts to a hundred for each. */
function keyOf(tables: TableChanges, name: string): string {
  if (tables[name] !== undefined) return name;
  const isFull = tables[OTHER_TABLES] !== undefined || Object.keys(tables).length >= MOST_TABLES;
  return isFull ? OTHER_TABLES : name;
}
