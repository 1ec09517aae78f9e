import type { Column, TableSchema } from '../../change/table-schema.ts';
import type { RelationFacts } from '../../postgres/catalog.ts';
import { addComputed, beforehandSql, computedChanges } from './computed.ts';
import { createTableSql, evolve, type ResolvedColumns } from './ddl.ts';
import { isEmpty } from './empty.ts';
import { columnsOwner, leaveParents } from './inheritance.ts';
import { requireValues } from './required.ts';
import { findPrimaryKey } from './target-table.ts';
import { requireTrusted } from './trusted-expressions.ts';
import type { TypePlace } from './type-place.ts';
import { addLabels, resolveColumns } from './types.ts';

/** Creates the target of a table version, with its types and generated columns; `name` is qualified and quoted. */
export async function createTarget(place: TypePlace, name: string, schema: TableSchema): Promise<void> {
  await place.session.single(createTableSql(name, schema, await columnsOf(place, schema, [])));
  for (const column of schema.computed ?? []) await addComputed(place, name, column, schema);
}

/** Brings the columns of a target that is there to a table version, and returns the version that it now has. */
export async function evolveTarget(
  place: TypePlace,
  name: string,
  from: TableSchema | undefined,
  to: TableSchema,
  found: { readonly facts: RelationFacts; readonly oid: number },
): Promise<TableSchema> {
  const { session, settings, signal } = place;
  const present = found.facts.columns;
  const owner = await columnsOwner(session, name);
  const resolved = await columnsOf(place, to, present);
  const computed = computedChanges(from, to, present);
  for (const text of beforehandSql(owner, computed)) await session.single(text);
  const evolving = evolve(owner, {
    from,
    to,
    target: { ...found.facts, columns: present.filter((column) => !computed.drop.includes(column)) },
    ...resolved,
    isEmpty: await isEmpty(session, owner, signal),
    keepDropped: settings.keepDroppedColumns,
    primaryKey: await findPrimaryKey(session, found.oid),
  });
  if (evolving.statements.length > 0) await leaveParents(session, name);
  for (const text of evolving.statements) await session.single(text);
  for (const column of computed.add) await addComputed(place, owner, column, to);
  return await requireValues(session, name, to, evolving, signal);
}

/** What the columns are on the target; `present` are those that it has already. */
async function columnsOf(place: TypePlace, schema: TableSchema, present: readonly Column[]): Promise<ResolvedColumns> {
  const { session, settings, signal } = place;
  for (const { type } of schema.columns) await addLabels(session, settings, type, signal);
  const resolved = await resolveColumns(place, schema.columns, schema.isFollowed === true);
  await requireTrusted(session, schema, present, resolved.types.values());
  return resolved;
}
