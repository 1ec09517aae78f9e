import type { Column, TableSchema } from '../../change/table-schema.ts';
import { OperatorError, TransientError } from '../../errors.ts';
import { postgresError } from '../../postgres/errors.ts';
import { quoteIdentifier } from '../../postgres/identifier.ts';
import { columnSql } from './ddl.ts';
import { findUntrusted } from './trusted-expressions.ts';
import type { TypePlace } from './type-place.ts';
import { resolveColumns } from './types.ts';

/** What becomes of a target's generated columns when the table is brought to a version. */
export interface ComputedChanges {
  /** To be dropped first: they are gone or another, or stand in the way of the columns that they are made of. */
  readonly drop: readonly Column[];
  /** To become ordinary ones that keep their values. */
  readonly settle: readonly Column[];
  /** To be added at last; those that the source sends are added with the other columns. */
  readonly add: readonly Column[];
}

/** `present` are the target's columns. */
export function computedChanges(
  from: TableSchema | undefined,
  to: TableSchema,
  present: readonly Column[],
): ComputedChanges {
  const [old, now] = [generatedIn(from), generatedIn(to)];
  const isOrdinary = (schema: TableSchema | undefined, { name }: Column): boolean =>
    schema?.columns.some((column) => column.name === name && column.generated === undefined) === true;
  const settle = present.filter(
    (column) => column.generated === 's' && old.some(({ name }) => name === column.name) && isOrdinary(to, column),
  );
  const isRebuilt = isReshaped(from, to);
  const drop = present.filter((column) => {
    const before = old.find(({ name }) => name === column.name);
    const after = now.find(({ name }) => name === column.name);
    // A catalog that was ahead may have told of an ordinary column.
    if (column.generated === undefined) return after !== undefined && isOrdinary(from, column);
    if (before === undefined || settle.includes(column)) return false;
    return isRebuilt || after?.default !== before.default || after?.type.declared !== before.type.declared;
  });
  const kept = new Set(present.filter((column) => !drop.includes(column)).map(({ name }) => name));
  return { drop, settle, add: (to.computed ?? []).filter(({ name }) => !kept.has(name)) };
}

/** What a generated column is made of can neither be dropped nor get another type. */
function isReshaped(from: TableSchema | undefined, to: TableSchema): boolean {
  return (from?.columns ?? []).some((column) => {
    if (column.generated !== undefined) return false;
    const after = to.columns.find(({ attnum, name }) => (attnum > 0 ? attnum === column.attnum : name === column.name));
    return after === undefined || after.type.declared !== column.type.declared;
  });
}

/** Those that the source sends as well: they stand in the way of changes like the others. */
function generatedIn(schema: TableSchema | undefined): Column[] {
  const sent = (schema?.columns ?? []).filter(({ generated }) => generated !== undefined);
  return [...sent, ...(schema?.computed ?? [])];
}

/** The statements that go before all others. */
export function beforehandSql(table: string, { drop, settle }: ComputedChanges): string[] {
  return [
    ...settle.map(({ name }) => /* sql */ `alter table ${table} alter column ${quoteIdentifier(name)} drop expression`),
    ...drop.map(({ name }) => /* sql */ `alter table ${table} drop column ${quoteIdentifier(name)}`),
  ];
}

/**
 * Adds a generated column. One that cannot be made is left out with a warning: no rows depend on it, and the catalog that told of it may be ahead of
 * the columns that it is made of.
 */
export async function addComputed(place: TypePlace, table: string, column: Column, schema: TableSchema): Promise<void> {
  const { session, warn } = place;
  const what = `Generated column "${column.name}" of table ${table} is left out on the target`;
  const advice = 'Add it there by hand as the source has it, if it is needed.';
  const types = [column, ...schema.columns].map(({ type }) => type.declared);
  const untrusted = await findUntrusted(session, column.default ?? '', types);
  if (untrusted !== undefined) {
    warn(`${what}: it would run function ${untrusted}, which an ordinary user of the target owns`, advice);
    return;
  }
  await session.single(/* sql */ `savepoint computed`);
  try {
    const resolved = await resolveColumns(place, [column], schema.isFollowed === true);
    await session.single(/* sql */ `alter table ${table} add column ${columnSql(column, resolved, true)}`);
    await session.single(/* sql */ `release savepoint computed`);
  } catch (error) {
    place.signal.throwIfAborted();
    const why = error instanceof OperatorError ? error : postgresError(error, what);
    if (session.isLost || why instanceof TransientError) throw why;
    await session.single(/* sql */ `rollback to savepoint computed`);
    warn(error instanceof OperatorError ? `${what}: ${why.message}` : why.message, advice);
  }
}
