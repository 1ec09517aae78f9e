import type { TableSchema } from '../../change/table-schema.ts';
import type { Executor } from './executor.ts';
import { planTable, type TableChanges, touchedKeys } from './plan.ts';
import type { Step } from './step.ts';
import type { TargetColumn } from './target-table.ts';

let made = 0;

/**
 * The way around unique constraints that are checked row by row (two rows that swap a unique value): the touched rows leave
 * the table for a copy without constraints, change there in exact order, and come back at once.
 */
export async function detour(work: TableChanges, executor: Executor, signal: AbortSignal): Promise<void> {
  const { table } = work;
  const name = `rowcast_detour_${++made}`;
  const copy = `pg_temp.${name}`;
  executor.add(
    /* sql */ `create temporary table ${name} (like ${table.name} including defaults including generated) on commit drop`,
  );
  await executor.step(detachStep(work, copy), signal);
  const key = table.schema.key.map((ordinal) => (table.columns[ordinal] as TargetColumn).quoted);
  executor.add(/* sql */ `create index on ${copy} (${key.join(', ')})`);
  const aside = {
    ...table,
    name: copy,
    alone: copy,
    hasUniqueKey: false,
    schema: setAside(table.schema),
    probe: table.schema.key,
  };
  for (const i of work.changes) {
    for (const step of planTable({ ...work, table: aside, changes: [i] }) ?? []) await executor.step(step, signal);
  }
  const columns = table.writable.join(', ');
  executor.add(
    /* sql */ `insert into ${table.name} (${columns}) overriding system value select ${columns} from ${copy}`,
  );
  executor.add(/* sql */ `drop table ${copy}`);
  await executor.flush(signal);
}

/**
 * A key that the source checks only at commit may be there twice meanwhile. Such a table has identity FULL (Postgres takes no
 * deferrable index as identity), so that the whole old row tells which of the two is meant.
 */
function setAside(schema: TableSchema): TableSchema {
  return schema.identity === 'full' ? { ...schema, key: [] } : schema;
}

function detachStep(work: TableChanges, into: string): Step {
  const { table, rows } = work;
  const columns = table.schema.key.map((ordinal) => {
    return { ordinal, alias: `c${ordinal}`, type: (table.columns[ordinal] as TargetColumn).type };
  });
  return {
    kind: 'detach',
    table,
    set: { cells: rows, rows: touchedKeys(work), columns },
    sets: [],
    expected: undefined,
    into,
  };
}
