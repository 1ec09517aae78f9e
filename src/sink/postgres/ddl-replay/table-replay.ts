import type { DdlChange, TableState } from '../../../change/ddl.ts';
import type { Column, TableSchema } from '../../../change/table-schema.ts';
import { OperatorError } from '../../../errors.ts';
import { qualified, quoteIdentifier } from '../../../postgres/identifier.ts';
import { createTableSql, evolve, type ResolvedColumns } from '../ddl.ts';
import { isEmpty } from '../empty.ts';
import { isContained, isSimpleDefault } from '../../../postgres/expression.ts';
import type { Known } from '../known-tables.ts';
import { requireValues } from '../required.ts';
import { findTarget } from '../target-table.ts';
import { ensureSchema } from '../type-names.ts';
import { resolveColumns } from '../types.ts';
import { withConversions } from './conversion.ts';
import { hasRetyped } from './parts.ts';
import { addParts, alterParts, dropParts } from './parts-replay.ts';
import { execute, type ReplayPlace } from './place.ts';
import { assertSafe, typesIn } from './safe.ts';
import { replayExtras } from './table-extras.ts';

/** A copy brings all rows, with the values that the target cannot compute. */
async function voidRows({ session, tables, signal }: ReplayPlace, { schema }: Known): Promise<void> {
  if (!session.isReplica) await tables.assertUnreferenced([schema], signal);
  await tables.beginCopy([schema], false, signal);
}

/** Creates a table with all that belongs to it; one that the target has already is taken as it is. */
export async function createTable(place: ReplayPlace, after: TableState): Promise<void> {
  const { session, settings, tables, signal } = place;
  if (!settings.autoCreate || after.isUnlogged) return;
  const to = tables.nameOf(after.table);
  const name = qualified(to.schema, to.name);
  if ((await findTarget(session, after.table, to)) !== undefined) await tables.resolve(after.table, signal);
  else {
    await ensureSchema(session, settings, to.schema, signal);
    for (const column of after.table.columns) await checkGenerated(place, column, after.table);
    // The key is one of the constraints, with its name.
    await execute(
      place,
      name,
      createTableSql(name, { ...after.table, key: [] }, await resolve(place, after.table.columns)),
    );
  }
  await tables.known.remember(session, after.table, true, signal);
  await addParts(place, after);
  await replayExtras(place, name, undefined, after);
}

/** Drops tables that the source has no more; only those that the sink knows. */
export async function dropTables(place: ReplayPlace, states: readonly TableState[]): Promise<void> {
  const { session, settings, tables, signal } = place;
  if (!settings.autoEvolve) return;
  const names: string[] = [];
  for (const { table } of states) {
    const known = await knownTable(place, table);
    if (known === undefined) continue;
    const { schema, name } = tables.nameOf(known.schema);
    names.push(qualified(schema, name));
    await tables.known.forget(session, table.relationId, signal);
  }
  if (names.length === 0) return;
  await execute(place, names.join(', '), /* sql */ `drop table if exists ${names.join(', ')}`);
}

/** Drops the foreign keys that are gone, so that what they refer to can go too. */
export async function dropForeignKeys(
  place: ReplayPlace,
  before: TableState,
  after: TableState | undefined,
): Promise<void> {
  const { tables, settings } = place;
  const known = await knownTable(place, before.table);
  if (known === undefined || !settings.autoEvolve) return;
  const { schema, name } = tables.nameOf(known.schema);
  if ((await findTarget(place.session, before.table, { schema, name })) === undefined) return;
  for (const constraint of before.constraints) {
    if (constraint.type !== 'f' || after?.constraints.some(({ oid }) => oid === constraint.oid)) continue;
    const clause = `drop constraint if exists ${quoteIdentifier(constraint.name)}`;
    await execute(place, name, /* sql */ `alter table ${qualified(schema, name)} ${clause}`);
  }
}

/** Brings a table that the sink knows from what it was to what it is. */
export async function alterTable(
  place: ReplayPlace,
  before: TableState,
  after: TableState,
  change: Pick<DdlChange, 'isRewritten' | 'conversions' | 'isVoid'>,
): Promise<void> {
  const { session, settings, tables, signal } = place;
  const known = await knownTable(place, after.table);
  if (known === undefined || !settings.autoEvolve) return;
  if (change.isVoid === true) await voidRows(place, known);
  await rename(place, known.schema, after.table);
  const to = tables.nameOf(after.table);
  const name = qualified(to.schema, to.name);
  if ((await findTarget(session, after.table, to)) === undefined) {
    throw new OperatorError(`Table ${name} does not exist on the target, and the source has altered it`, {
      advice: 'Create it as the source has it, or copy the source anew.',
    });
  }
  await dropParts(place, name, before, after);
  const found = await findTarget(session, after.table, to);
  if (found === undefined) throw new Error(`Table ${name} vanished`);
  const present = new Map(found.facts.columns.map((column) => [column.name, column]));
  const changed = after.table.columns.filter((column) => isChanged(before.table, column, present.get(column.name)));
  for (const column of changed) await checkGenerated(place, column, after.table);
  const resolved = await resolve(place, changedOrConverted(changed, after.table, change));
  const isBare = await isEmpty(session, name, signal);
  const conversions = isBare
    ? undefined
    : pendingConversions(name, before.table, after.table, change, { present, types: resolved.types });
  const evolving = evolve(name, {
    // The key is one of the constraints.
    from: { ...before.table, key: [] },
    to: { ...after.table, key: [] },
    target: found.facts,
    ...resolved,
    isEmpty: isBare,
    keepDropped: settings.keepDroppedColumns,
    primaryKey: undefined,
    ...(conversions && { conversions }),
  });
  const statements = [...evolving.statements, ...defaults(name, before.table, after.table)];
  await withConversions(place, name, conversions, after.table, async () => {
    for (const sql of statements) await execute(place, name, sql);
  });
  await requireValues(session, name, { ...after.table, key: [] }, evolving, signal);
  await tables.known.remember(session, after.table, known.isOwned, signal);
  await alterParts(place, name, before, after, hasRetyped(before, after));
  await replayExtras(place, name, before, after);
}

/** What the sink knows of a source table; undefined when it has nothing of it. */
export async function knownTable({ session, tables }: ReplayPlace, table: TableSchema): Promise<Known | undefined> {
  return (await tables.known.read(session)).get(table.relationId);
}

/** Renames and moves the target's table, unless that was done already. */
async function rename(place: ReplayPlace, old: TableSchema, table: TableSchema): Promise<void> {
  const { session, settings, tables, signal } = place;
  const [from, to] = [tables.nameOf(old), tables.nameOf(table)];
  if (from.schema === to.schema && from.name === to.name) return;
  if ((await findTarget(session, old, from)) === undefined) return; // its schema was renamed, or a person has done it
  if ((await findTarget(session, table, to)) !== undefined) {
    throw new OperatorError(
      `Table ${qualified(from.schema, from.name)} cannot be renamed: ${qualified(to.schema, to.name)} exists`,
      { advice: 'Rename or drop the table that is in the way on the target.' },
    );
  }
  const source = qualified(from.schema, from.name);
  if (from.schema !== to.schema) {
    await ensureSchema(session, settings, to.schema, signal);
    await execute(place, source, /* sql */ `alter table ${source} set schema ${quoteIdentifier(to.schema)}`);
  }
  if (from.name === to.name) return;
  const moved = qualified(to.schema, from.name);
  await execute(place, source, /* sql */ `alter table ${moved} rename to ${quoteIdentifier(to.name)}`);
}

function changedOrConverted(
  changed: readonly Column[],
  table: TableSchema,
  { conversions = {} }: Pick<DdlChange, 'conversions'>,
): Column[] {
  return table.columns.filter((column) => changed.includes(column) || Object.hasOwn(conversions, column.name));
}

/** The conversions that are still to be done: what a person has given its new type already is done. */
function pendingConversions(
  name: string,
  before: TableSchema,
  after: TableSchema,
  { isRewritten, conversions }: Pick<DdlChange, 'isRewritten' | 'conversions'>,
  target: { readonly present: ReadonlyMap<string, Column>; readonly types: ReadonlyMap<string, string> },
): DdlChange['conversions'] {
  const retyped = after.columns.filter((column) => {
    const old = before.columns.find(({ attnum }) => attnum === column.attnum);
    return old !== undefined && old.type.declared !== column.type.declared;
  });
  if (isRewritten === true && conversions === undefined && retyped.length === 0) {
    throw new OperatorError(
      `Values of table ${name} were converted at the source by an expression that only the source knows`,
      {
        advice:
          'Do the same on the target by hand. Then take "tables" out of ddl.replay until the sink is behind this statement.',
      },
    );
  }
  const pending = Object.entries(conversions ?? {}).filter(([column]) => {
    if (!retyped.some(({ name: each }) => each === column)) return true;
    const old = before.columns.find(
      ({ attnum }) => attnum === after.columns.find(({ name: each }) => each === column)?.attnum,
    );
    const has = target.present.get(column) ?? target.present.get(old?.name ?? '');
    return has?.type.declared !== target.types.get(column);
  });
  return pending.length === 0 ? undefined : Object.fromEntries(pending);
}

/** New on the target, or of another type than it was. */
function isChanged(before: TableSchema, column: Column, present: Column | undefined): boolean {
  const old = before.columns.find(({ attnum }) => attnum === column.attnum);
  return old === undefined || present === undefined || old.type.declared !== column.type.declared;
}

async function resolve({ tables, signal }: ReplayPlace, columns: readonly Column[]): Promise<ResolvedColumns> {
  return await resolveColumns(tables.typePlace(signal), columns, true);
}

async function checkGenerated(
  { session }: ReplayPlace,
  { name, generated, default: expression }: Column,
  table: TableSchema,
): Promise<void> {
  if (generated === undefined || expression === undefined || !isContained(expression)) return;
  await assertSafe(session, expression, `Generated column "${name}"`, typesIn(table));
}

/** Defaults are the source's business, but a replica that is promoted has them: those that mean the same on every server. */
function defaults(name: string, before: TableSchema, after: TableSchema): string[] {
  return after.columns.flatMap((column) => {
    const old = before.columns.find(({ attnum }) => attnum === column.attnum);
    if (old === undefined) return [];
    const head = /* sql */ `alter table ${name} alter column ${quoteIdentifier(column.name)}`;
    if (old.generated !== undefined && column.generated === undefined) return [`${head} drop expression if exists`];
    if (old.default === column.default) return [];
    if (column.generated !== undefined) {
      throw new OperatorError(`Generated column "${column.name}" of ${name} has another expression now`, {
        advice: 'Drop the column on the target, add it again as the source has it, and start the connector again.',
      });
    }
    if (column.identity !== undefined || old.identity !== undefined) return [];
    const isKept = column.default !== undefined && isSimpleDefault(column.default);
    return [isKept ? `${head} set default ${column.default}` : `${head} drop default`];
  });
}
