import type { DdlConstraint, DdlIndex, TableState } from '../../../change/ddl.ts';
import type { TableSchema } from '../../../change/table-schema.ts';
import { qualified, quoteIdentifier } from '../../../postgres/identifier.ts';
import { isContained } from '../../../postgres/expression.ts';
import { findPrimaryKey, findTarget } from '../target-table.ts';
import { constraintClause, hasRetyped, planParts, readIndex } from './parts.ts';
import { execute, type ReplayPlace } from './place.ts';
import { assertSafe, hasLooseComma, typesIn } from './safe.ts';
import { warnOfTaken } from './taken-index.ts';

/** Foreign keys come last: they need what they refer to. */
const ORDER: readonly DdlConstraint['type'][] = ['p', 'u', 'x', 'c', 'f'];

/** Drops constraints and indexes that the table has no more. */
export async function dropParts(
  place: ReplayPlace,
  table: string,
  before: TableState,
  after: TableState,
): Promise<void> {
  const { constraints, indexes } = plansOf(place, before, after, hasRetyped(before, after));
  for (const constraint of constraints.gone) {
    const name = quoteIdentifier(await nameOnTarget(place, after, constraint));
    await execute(place, table, /* sql */ `alter table ${table} drop constraint if exists ${name}`);
  }
  const { schema } = place.tables.nameOf(after.table);
  for (const { name } of indexes.gone) {
    await execute(place, `index ${name}`, /* sql */ `drop index if exists ${qualified(schema, name)}`);
  }
}

/** Renames, checks and adds constraints and indexes, once the columns are there. */
export async function alterParts(
  place: ReplayPlace,
  table: string,
  before: TableState,
  after: TableState,
  isRetyped: boolean,
): Promise<void> {
  const { constraints, indexes } = plansOf(place, before, after, isRetyped);
  const { schema } = place.tables.nameOf(after.table);
  const present = await namesOn(place, after);
  for (const { from, to } of constraints.renamed) {
    const name = await nameOnTarget(place, after, from);
    if (!present.constraints.has(name) || present.constraints.has(to.name)) continue;
    const clause = `rename constraint ${quoteIdentifier(name)} to ${quoteIdentifier(to.name)}`;
    await execute(place, table, /* sql */ `alter table ${table} ${clause}`);
  }
  for (const { from, to } of indexes.renamed) {
    if (!present.indexes.has(from.name) || present.indexes.has(to.name)) continue;
    const name = qualified(schema, from.name);
    await execute(place, `index ${from.name}`, /* sql */ `alter index ${name} rename to ${quoteIdentifier(to.name)}`);
  }
  for (const { name } of constraints.validated) {
    if (!present.constraints.has(name)) continue;
    await execute(place, table, /* sql */ `alter table ${table} validate constraint ${quoteIdentifier(name)}`);
  }
  await add(place, table, after, constraints.added, indexes.added);
}

/** Adds all constraints and indexes of a new table. */
export async function addParts(place: ReplayPlace, after: TableState): Promise<void> {
  const { schema, name } = place.tables.nameOf(after.table);
  const { constraints, indexes } = plansOf(place, { ...after, constraints: [], indexes: [] }, after, false);
  await add(place, qualified(schema, name), after, constraints.added, indexes.added);
}

/** The primary key is an index that rows need, and so is replayed in any case. */
function plansOf({ settings }: ReplayPlace, before: TableState, after: TableState, isRetyped: boolean) {
  const isOn = settings.ddlReplay.includes('constraints');
  const wanted = (all: readonly DdlConstraint[]): readonly DdlConstraint[] =>
    all.filter(({ type }) => isOn || type === 'p');
  const indexes = (all: readonly DdlIndex[]): readonly DdlIndex[] =>
    settings.ddlReplay.includes('indexes') ? all : [];
  return {
    constraints: planParts(wanted(before.constraints), wanted(after.constraints), isRetyped),
    indexes: planParts(indexes(before.indexes), indexes(after.indexes), isRetyped),
  };
}

async function add(
  place: ReplayPlace,
  table: string,
  after: TableState,
  constraints: readonly DdlConstraint[],
  indexes: readonly DdlIndex[],
): Promise<void> {
  const present = await namesOn(place, after);
  const { session, tables } = place;
  for (const constraint of constraints.toSorted((a, b) => ORDER.indexOf(a.type) - ORDER.indexOf(b.type))) {
    const { name, type, references } = constraint;
    if (present.constraints.has(name) || (type === 'p' && (await primaryKey(place, after)) !== undefined)) continue;
    if (references !== undefined) {
      const to = tables.nameOf(references);
      // Postgres's own search for it would say no more than that the relation does not exist.
      if (!(await exists(place, to))) continue;
    }
    await checkConstraint(place, table, constraint, after.table);
    await execute(place, table, /* sql */ `alter table ${table} ${constraintClause(constraint)}`);
  }
  for (const index of indexes) {
    if (present.indexes.has(index.name)) {
      await warnOfTaken(place, after, index);
      continue;
    }
    const { unique, method, rest } = readIndex(index);
    await assertSafe(session, rest, `Index ${index.name} on table ${table}`, typesIn(after.table));
    const head = `create ${unique ? 'unique ' : ''}index ${quoteIdentifier(index.name)} on ${table}`;
    await execute(place, `index ${index.name}`, `${head} using ${quoteIdentifier(method)} ${rest}`);
  }
}

/** Only checks and exclusions hold expressions; the others are names. */
async function checkConstraint(
  { session }: ReplayPlace,
  table: string,
  constraint: DdlConstraint,
  of: TableSchema,
): Promise<void> {
  const { name, type, definition } = constraint;
  if (!isContained(definition) || hasLooseComma(definition)) {
    throw new Error(`Constraint ${name} of table ${table} is more than one clause`);
  }
  if (type !== 'c' && type !== 'x') return;
  const expressions = definition.replace(/^EXCLUDE USING \w+ /, '');
  await assertSafe(session, expressions, `Constraint ${name} of table ${table}`, typesIn(of));
}

/** A primary key that the sink has made itself has the name that Postgres gives it. */
async function nameOnTarget(place: ReplayPlace, after: TableState, { name, type }: DdlConstraint): Promise<string> {
  return type === 'p' ? ((await primaryKey(place, after)) ?? name) : name;
}

async function primaryKey({ session, tables }: ReplayPlace, { table }: TableState): Promise<string | undefined> {
  const found = await findTarget(session, table, tables.nameOf(table));
  return found && (await findPrimaryKey(session, found.oid))?.name;
}

async function exists({ session }: ReplayPlace, { schema, name }: { schema: string; name: string }): Promise<boolean> {
  const { rowCount } = await session.client.query(
    /* sql */ `select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2`,
    [schema, name],
  );
  return (rowCount ?? 0) > 0;
}

/** Names of the table's constraints, and of all indexes of its schema, on the target. */
async function namesOn(
  { session, tables }: ReplayPlace,
  { table }: TableState,
): Promise<{ constraints: ReadonlySet<string>; indexes: ReadonlySet<string> }> {
  const { schema, name } = tables.nameOf(table);
  const { rows } = await session.client.query<{ constraints: string[]; indexes: string[] }>(
    /* sql */ `select
      array(select k.conname::text from pg_catalog.pg_constraint k join pg_catalog.pg_class c on c.oid = k.conrelid
        where c.relnamespace = n.oid and c.relname = $2) as constraints,
      array(select c.relname::text from pg_catalog.pg_class c where c.relnamespace = n.oid and c.relkind in ('i', 'I')) as indexes
      from pg_catalog.pg_namespace n where n.nspname = $1`,
    [schema, name],
  );
  return { constraints: new Set(rows[0]?.constraints), indexes: new Set(rows[0]?.indexes) };
}
