import { Op, UNCHANGED } from '../../change/batch.ts';
import { OperatorError } from '../../errors.ts';
import { coalesce, cutRuns, rowWithKey } from '../coalesce.ts';
import type { RowCells } from '../row-cells.ts';
import type { SetColumn } from './row-set.ts';
import type { Step } from './step.ts';
import type { TargetColumn, TargetTable } from './target-table.ts';

/** Some changes of one table, in order. */
export interface TableChanges {
  readonly table: TargetTable;
  readonly rows: RowCells;
  readonly changes: readonly number[];
  /** Nothing is known about what the target has: the copy is not finished. */
  readonly lenient: boolean;
  /** Affected counts prove nothing: the target changes rows by itself. */
  readonly unchecked: boolean;
}

/** The steps that have the effect of the changes; undefined when the changes contradict each other and only their exact order can tell. */
export function planTable(work: TableChanges): Step[] | undefined {
  return work.table.schema.key.length === 0 ? planKeyless(work) : planKeyed(work);
}

function planKeyed(work: TableChanges): Step[] | undefined {
  const { table, rows, lenient } = work;
  const { key, columns } = table.schema;
  const added = table.hasUniqueKey && !lenient ? insertedRows(work) : undefined;
  if (added !== undefined) return insertSteps(work, added, true);
  const steps: Step[] = [];
  for (const run of cutRuns(rows.batch, key, work.changes)) {
    if (run.rekeys) {
      steps.push(...planRekeys(work, run.changes));
      continue;
    }
    const net = coalesce(rows, key, columns.length, run.changes, lenient);
    if (!net.regular) return undefined;
    steps.push(...deleteSteps(work, net.deleted, !lenient), ...deleteSteps(work, net.erased, false));
    steps.push(...updateSteps(work, net.updated));
    steps.push(...insertSteps(work, net.inserted, !lenient), ...upsertSteps(work, net.upserted));
  }
  return steps;
}

/** The rows when all changes are inserts: that no key comes twice is then for the target's unique index to tell. */
function insertedRows({ rows: { batch }, changes }: TableChanges): number[] | undefined {
  const { op, after } = batch;
  const rows: number[] = [];
  for (let n = 0; n < changes.length; n++) {
    const i = changes[n] as number;
    if (op[i] !== Op.insert) return undefined;
    rows.push(after[i] as number);
  }
  return rows;
}

function insertSteps(work: TableChanges, rows: readonly number[], isChecked: boolean): Step[] {
  if (rows.length === 0) return [];
  const ordinals = work.table.columns.filter((column) => column.isWritten).map((column) => column.ordinal);
  return [step(work, 'insert', rows, ordinals, [], isChecked)];
}

/** Without a unique index on the key there is nothing that ON CONFLICT could go by. */
function upsertSteps(work: TableChanges, rows: readonly number[]): Step[] {
  if (rows.length === 0) return [];
  if (!work.table.hasUniqueKey) return [...deleteSteps(work, rows, false), ...insertSteps(work, rows, false)];
  const ordinals = work.table.columns.filter((column) => column.isWritten).map((column) => column.ordinal);
  return [step(work, 'upsert', rows, ordinals, settable(work.table), false)];
}

function deleteSteps(work: TableChanges, rows: readonly number[], isChecked: boolean): Step[] {
  return rows.length === 0 ? [] : [step(work, 'delete', rows, work.table.schema.key, [], isChecked)];
}

/** One statement per set of columns that the rows carry. */
function updateSteps(work: TableChanges, rows: readonly number[]): Step[] {
  const { table, lenient } = work;
  const columns = settable(table);
  const steps: Step[] = [];
  for (const group of groupBySent(work.rows, rows, columns, 0)) {
    const { sets } = group;
    if (sets.length === 0) continue; // a table that is all key: nothing can have changed
    steps.push(step(work, 'update', group.rows, [...table.schema.key, ...sets], sets, !lenient));
  }
  return steps;
}

/** Key changes: UPDATE … SET key, because values that were not sent must survive. */
function planRekeys(work: TableChanges, changes: readonly number[]): Step[] {
  if (work.lenient) return changes.flatMap((i) => planLenientRekey(work, i));
  return rekeySteps(
    work,
    changes.map((i) => pairUp(work, i)),
  );
}

/**
 * While a table is copied, the row may stand under its old key, its new one, both (read by different snapshots) or neither.
 * What stands under the new key is at least as new.
 */
function planLenientRekey(work: TableChanges, i: number): Step[] {
  const { rows, table } = work;
  const width = table.schema.columns.length;
  const [before, after] = [rows.batch.before[i] as number, rows.batch.after[i] as number];
  if (!rows.isPartial(after, width)) return [...deleteSteps(work, [before], false), ...upsertSteps(work, [after])];
  const pair = pairUp(work, i);
  const now = ~(~pair + table.schema.key.length); // the new row stands behind the old key
  return [...updateSteps(work, [now]), ...rekeySteps(work, [pair]), leaveStep(work, pair)];
}

/** Deletes what stands under the pair's old key, unless its new key is the same. */
function leaveStep({ table, rows }: TableChanges, pair: number): Step {
  const { key } = table.schema;
  const old = key.map((ordinal, n) => setColumn(table, ordinal, n, `o${n}`));
  const now = key.map((ordinal) => setColumn(table, ordinal, key.length + ordinal, `c${ordinal}`));
  const set = { cells: rows, rows: [pair], columns: [...old, ...now] };
  return { kind: 'delete', table, set, sets: [], expected: undefined, isGuarded: true };
}

/** A row made of the old key's cells and the new row's; its new key is complete. */
function pairUp(work: TableChanges, i: number): number {
  const { rows, table } = work;
  const { key, columns } = table.schema;
  const [before, after] = [rows.batch.before[i] as number, rows.batch.after[i] as number];
  const made = rows.next;
  for (const ordinal of key) rows.push(before, ordinal);
  for (let c = 0; c < columns.length; c++) {
    rows.push(key.includes(c) && rows.end(after, c) === UNCHANGED ? before : after, c);
  }
  return made;
}

function rekeySteps(work: TableChanges, pairs: readonly number[]): Step[] {
  const { table, rows } = work;
  const { key } = table.schema;
  const candidates = table.columns
    .filter((column) => (key.includes(column.ordinal) ? column.isWritten : column.isUpdatable))
    .map((column) => column.ordinal);
  return groupBySent(rows, pairs, candidates, key.length).map((group) => {
    const old = key.map((ordinal, n) => setColumn(table, ordinal, n, `o${n}`));
    const now = group.sets.map((ordinal) => setColumn(table, ordinal, key.length + ordinal, `c${ordinal}`));
    const set = { cells: rows, rows: group.rows, columns: [...old, ...now] };
    const expected = work.lenient || work.unchecked ? undefined : group.rows.length;
    return { kind: 'rekey', table, set, sets: group.sets, expected, isGuarded: work.lenient };
  });
}

/** Rows by which of the columns they carry; cell of column c stands at `offset + c`. */
function groupBySent(
  cells: RowCells,
  rows: readonly number[],
  columns: readonly number[],
  offset: number,
): { sets: readonly number[]; rows: number[] }[] {
  const groups = new Map<string, { sets: readonly number[]; rows: number[] }>();
  const complete = { sets: columns, rows: [] as number[] };
  for (const row of rows) {
    if (columns.every((c) => cells.end(row, offset + c) !== UNCHANGED)) {
      complete.rows.push(row);
      continue;
    }
    const sets = columns.filter((c) => cells.end(row, offset + c) !== UNCHANGED);
    const name = sets.join();
    const group = groups.get(name);
    if (group === undefined) groups.set(name, { sets, rows: [row] });
    else group.rows.push(row);
  }
  return complete.rows.length === 0 ? [...groups.values()] : [complete, ...groups.values()];
}

function planKeyless(work: TableChanges): Step[] {
  const { batch } = work.rows;
  const steps: Step[] = [];
  let inserted: number[] = [];
  for (const i of work.changes) {
    const op = batch.op[i];
    if (op === Op.insert || op === Op.read) {
      inserted.push(batch.after[i] as number);
      continue;
    }
    steps.push(...insertSteps(work, inserted, !work.lenient));
    inserted = [];
    steps.push(singleStep(work, i));
  }
  steps.push(...insertSteps(work, inserted, !work.lenient));
  return steps;
}

function singleStep(work: TableChanges, i: number): Step {
  const { table, rows, lenient } = work;
  const { batch } = rows;
  const [before, after] = [batch.before[i] as number, batch.after[i] as number];
  if (before < 0) {
    throw new OperatorError(`Table ${table.name} has no key, and its source sends no old values`, {
      advice: 'Give it a primary key, or set replica identity full on the source.',
    });
  }
  const width = table.columns.length;
  const made = rows.next;
  for (let c = 0; c < width; c++) rows.push(before, c);
  const isUpdate = batch.op[i] !== Op.delete;
  if (isUpdate) for (let c = 0; c < width; c++) rows.push(after, c);
  const columns = table.columns
    .filter((column) => column.isWritten)
    .map(({ ordinal }) => setColumn(table, ordinal, ordinal, `o${ordinal}`));
  const sets = isUpdate ? settable(table).filter((c) => rows.end(made, width + c) !== UNCHANGED) : [];
  const kind = isUpdate ? 'update-one' : 'delete-one';
  return {
    kind,
    table,
    set: { cells: rows, rows: [made], columns },
    sets,
    expected: lenient || work.unchecked ? undefined : 1,
  };
}

/** The key cells of every row that the changes touch, under its old and its new key: `[c<key>…]` per row. */
export function touchedKeys(work: TableChanges): number[] {
  const { rows, table } = work;
  const { key, columns } = table.schema;
  const { batch } = rows;
  const touched: number[] = [];
  for (const i of work.changes) {
    const [before, after] = [batch.before[i] as number, batch.after[i] as number];
    if (before >= 0) touched.push(before);
    if (after < 0) continue;
    touched.push(
      batch.op[i] === Op.keyChange
        ? rows.merge(after, before, columns.length)
        : rowWithKey(rows, key, columns.length, i),
    );
  }
  return touched;
}

function step(
  work: TableChanges,
  kind: Step['kind'],
  rows: readonly number[],
  ordinals: readonly number[],
  sets: readonly number[],
  isChecked: boolean,
): Step {
  const columns = ordinals.map((ordinal) => setColumn(work.table, ordinal, ordinal, `c${ordinal}`));
  const expected = isChecked && !work.unchecked ? rows.length : undefined;
  return { kind, table: work.table, set: { cells: work.rows, rows, columns }, sets, expected };
}

function setColumn(table: TargetTable, column: number, ordinal: number, alias: string): SetColumn {
  return { ordinal, alias, type: (table.columns[column] as TargetColumn).type };
}

function settable(table: TargetTable): number[] {
  return table.columns
    .filter((column) => column.isUpdatable && !table.schema.key.includes(column.ordinal))
    .map((column) => column.ordinal);
}
