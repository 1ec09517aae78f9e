import type { DdlChange } from '../../../change/ddl.ts';
import type { Column } from '../../../change/table-schema.ts';
import { isConstantDefault } from '../../../postgres/expression.ts';

/**
 * Whether a statement gave rows values that neither the stream nor the statement tells: a new column filled by a volatile default, an identity or a
 * sequence, or values converted by an expression that nobody has seen. Rows of a partition are its root's.
 */
export function hasUnknownValues({ before, after, isRewritten, conversions }: DdlChange): boolean {
  if (before?.kind !== 'table' || after?.kind !== 'table') return false;
  if (before.partition !== undefined || after.partition !== undefined || after.isUnlogged) return false;
  if (isRewritten === true && conversions === undefined) return true;
  const old = new Set(before.table.columns.map(({ attnum }) => attnum));
  return after.table.columns.some((column) => !old.has(column.attnum) && isFilledBySource(column));
}

function isFilledBySource({ generated, identity, missing, default: expression }: Column): boolean {
  if (generated !== undefined || missing !== undefined) return false;
  return identity !== undefined || (expression !== undefined && !isConstantDefault(expression));
}
