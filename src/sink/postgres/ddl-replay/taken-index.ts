import type { DdlIndex, TableState } from '../../../change/ddl.ts';
import { qualified } from '../../../postgres/identifier.ts';
import { bodyOf } from './parts.ts';
import type { ReplayPlace } from './place.ts';

/** An index of this name is there already: tells of it, unless it is the same one, made by a person or by an earlier attempt. */
export async function warnOfTaken(
  { session, tables, warn }: ReplayPlace,
  of: TableState,
  index: DdlIndex,
): Promise<void> {
  const { schema, name } = tables.nameOf(of.table);
  const { rows } = await session.client.query<{ table: string; definition: string }>(TAKEN, [schema, index.name]);
  const [taken] = rows;
  if (
    taken === undefined ||
    (taken.table === name && bodyOf({ ...index, definition: taken.definition }) === bodyOf(index))
  ) {
    return;
  }
  warn(
    `Index ${index.name} of table ${qualified(schema, name)} is not created on the target: its name is taken there by another index of table ${qualified(schema, taken.table)}`,
    `The source has: ${index.definition}. The target has: ${taken.definition}. Rename or drop the one of the target, and create the other by hand.`,
  );
}

const TAKEN = /* sql */ `select t.relname as "table", pg_catalog.pg_get_indexdef(i.indexrelid) as definition
  from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_class t on t.oid = i.indrelid where n.nspname = $1 and c.relname = $2`;
