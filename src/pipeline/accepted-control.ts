import type { Control } from '../change/batch.ts';
import type { DdlChange } from '../change/ddl.ts';
import type { Selection } from './topic-filter.ts';

/** What is left of a control for a sink that wants only some tables; undefined when nothing is. */
export function onlyAccepted(control: Control, accepts: NonNullable<Selection['accepts']>): Control | undefined {
  if (control.kind === 'table') return accepts(control.table) ? control : undefined;
  if (control.kind === 'ddl') {
    const changes = control.ddl.changes.filter((change) => isAccepted(change, accepts));
    return changes.length > 0 ? { ...control, ddl: { ...control.ddl, changes } } : undefined;
  }
  if (control.kind === 'sequences') {
    const sequences = control.sequences.flatMap((state) => {
      const columns = state.columns.filter(({ schema, table }) => accepts({ schema, name: table }));
      return state.columns.length > 0 && columns.length === 0 ? [] : [{ ...state, columns }];
    });
    return sequences.length > 0 ? { ...control, sequences } : undefined;
  }
  const tables = control.tables.filter(accepts);
  return tables.length > 0 ? { ...control, tables } : undefined;
}

/** Types and schemas belong to every table that may use them. */
function isAccepted({ before, after }: DdlChange, accepts: NonNullable<Selection['accepts']>): boolean {
  const states = [before, after].filter((state) => state !== undefined);
  return states.some((state) => state.kind !== 'table' || accepts(state.table));
}
