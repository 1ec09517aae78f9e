import type { Column, TableSchema } from '../../change/table-schema.ts';
import type { RelationFacts } from '../../postgres/catalog.ts';
import type { CaptureFilter } from './filter.ts';

/** The generated columns that the catalog has and the stream does not send; a replica computes them itself. */
export function computedColumns(
  facts: Pick<RelationFacts, 'schema' | 'name' | 'columns'> | undefined,
  sent: readonly string[],
  filter: CaptureFilter,
): Pick<TableSchema, 'computed'> {
  const computed = (facts?.columns ?? []).filter(
    ({ name, generated }: Column) =>
      generated !== undefined && !sent.includes(name) && filter.column(facts?.schema ?? '', facts?.name ?? '', name),
  );
  return computed.length > 0 ? { computed } : {};
}
