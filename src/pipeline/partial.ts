import { type CopyRequests, incompleteTables, partialTables } from '../change/copy-request.ts';
import { tableName } from '../change/table-schema.ts';
import type { Progress } from '../sink/sink.ts';
import type { Selection } from './topic-filter.ts';

/** What progress says of tables that lack rows, when a checkpoint with these requests was applied: of those that the sink replays, by name. */
export function partialIn(
  { requests }: { readonly requests?: CopyRequests | undefined },
  { accepts }: Pick<Selection, 'accepts'>,
): Pick<Progress, 'partial'> {
  if (requests === undefined) return {};
  const partial = incompleteTables(requests).filter((table) => accepts?.(table) ?? true);
  return partial.length === 0 ? {} : { partial: partial.map(tableName).toSorted() };
}

/** Whether the same tables are there in part. */
export function hasSamePartial(a: CopyRequests | undefined, b: CopyRequests | undefined): boolean {
  if (a === b) return true;
  const idsOf = (requests: CopyRequests | undefined): string =>
    requests === undefined ? '' : [...partialTables(requests)].toSorted((x, y) => x - y).join();
  return idsOf(a) === idsOf(b);
}
