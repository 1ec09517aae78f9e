import type { Batch } from '../../change/batch.ts';
import { partialTables } from '../../change/copy-request.ts';
import type { TableSchema } from '../../change/table-schema.ts';
import { RowCells } from '../row-cells.ts';
import { parentsFirst } from './parents-first.ts';
import { planTable, type TableChanges } from './plan.ts';
import type { Rows } from './segment.ts';
import type { Step } from './step.ts';
import type { TargetTable } from './target-table.ts';

/** The rows by table, each with what may be expected of its target. `targets` has all of their tables. */
export function worksOf(
  batch: Batch,
  rows: Rows,
  targets: ReadonlyMap<TableSchema, TargetTable>,
  isReplica: boolean,
): TableChanges[] {
  const cells = new RowCells(batch);
  const partial = batch.requests && partialTables(batch.requests);
  return [...rows.tables].map(([schema, changes]) => {
    const table = targets.get(schema) as TargetTable;
    const unchecked = !isReplica && table.hasActions;
    const lenient = !batch.consistent || partial?.has(schema.relationId) === true;
    return { table, rows: cells, changes, lenient, unchecked };
  });
}

/** The steps that have the effect of all changes, over all tables; undefined when only the source's order is sure to. */
export function planTables(works: readonly TableChanges[], isReplica: boolean): Step[] | undefined {
  return isReplica ? planFree(works) : planOrdered(works);
}

/** Nothing checks references: tables are independent. */
function planFree(works: readonly TableChanges[]): Step[] | undefined {
  const steps: Step[] = [];
  for (const work of works) {
    const planned = planTable(work);
    if (planned === undefined) return undefined;
    for (const step of planned) steps.push(step);
  }
  return steps;
}

/** Deletes from children to parents, then the rest from parents to children. */
function planOrdered(works: readonly TableChanges[]): Step[] | undefined {
  const removing: Step[][] = [];
  const writing: Step[][] = [];
  const planned: Planned[] = [];
  for (const work of parentsFirst(works, ({ table }) => table)) {
    const steps = planTable(work);
    if (steps === undefined) return undefined;
    planned.push({ table: work.table, steps });
    const isLinked = work.table.parents.length > 0 || work.table.isReferenced;
    const write = steps.findIndex((step) => step.kind !== 'delete');
    const firstWrite = write < 0 ? steps.length : write;
    // A delete behind a write cannot be moved: only the exact order is sure to please foreign keys.
    if (isLinked && steps.slice(firstWrite).some((step) => step.kind === 'delete' || step.kind === 'rekey'))
      return undefined;
    removing.unshift(steps.slice(0, firstWrite));
    writing.push(steps.slice(firstWrite));
  }
  return mayCascade(planned) ? undefined : [...removing.flat(), ...writing.flat()];
}

interface Planned {
  readonly table: TargetTable;
  readonly steps: readonly Step[];
}

/**
 * Whether a row that is to change could be gone by then: its parent goes first and takes it along, although at the source it
 * had left that parent before.
 */
function mayCascade(planned: readonly Planned[]): boolean {
  const shrinking = new Set(planned.filter(({ steps }) => steps.some(isRemoving)).map(({ table }) => table.oid));
  return planned.some(({ table, steps }) => {
    const changes = steps.some(({ kind }) => kind !== 'insert' && kind !== 'delete' && kind !== 'delete-one');
    return changes && table.hasActions && table.parents.some((oid) => shrinking.has(oid));
  });
}

function isRemoving({ kind }: Step): boolean {
  return kind === 'delete' || kind === 'delete-one';
}
