import type { Column, TableSchema } from '../../change/table-schema.ts';
import { quoteIdentifier } from '../../postgres/identifier.ts';
import type { Evolving } from './ddl.ts';
import type { Session } from './session.ts';

/**
 * Makes columns NOT NULL and adds the key where no row is in the way, and returns the version that the target now has: what could
 * not be done is missing in it, so that the next version (or the next session) tries again.
 */
export async function requireValues(
  session: Session,
  name: string,
  schema: TableSchema,
  { required, addKey }: Evolving,
  signal: AbortSignal,
): Promise<TableSchema> {
  const candidates = [...new Set([...required, ...(addKey?.columns ?? [])])];
  if (candidates.length === 0) return schema;
  const open = new Set(await withNulls(session, name, candidates, signal));
  const clauses = required
    .filter((column) => !open.has(column))
    .map((column) => `alter column ${quoteIdentifier(column)} set not null`);
  if (clauses.length > 0) await session.single(/* sql */ `alter table ${name} ${clauses.join(', ')}`);
  const isKeyed = addKey !== undefined && !addKey.columns.some((column) => open.has(column));
  if (isKeyed) await session.single(addKey.sql);
  return {
    ...schema,
    columns: schema.columns.map((column) => (open.has(column.name) ? { ...column, nullable: true } : column)),
    key: addKey === undefined || isKeyed ? schema.key : [],
  };
}

/** Drops NOT NULL, and returns the version that the target now has. */
export async function admitNulls(
  session: Session,
  name: string,
  schema: TableSchema,
  ordinals: readonly number[],
  signal: AbortSignal,
): Promise<TableSchema> {
  const clauses = ordinals.map((ordinal) => {
    return `alter column ${quoteIdentifier((schema.columns[ordinal] as Column).name)} drop not null`;
  });
  await session.run(
    /* sql */ `alter table ${name} ${clauses.join(', ')}`,
    `Cannot let columns of ${name} be empty on the target`,
    signal,
  );
  const columns = schema.columns.map((column, n) => (ordinals.includes(n) ? { ...column, nullable: true } : column));
  return { ...schema, columns };
}

async function withNulls(
  session: Session,
  name: string,
  columns: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const tests = columns.map(
    (column) => /* sql */ `exists (select from ${name} where num_nulls(${quoteIdentifier(column)}) > 0)`,
  );
  const [result] = await session.run(
    /* sql */ `select ${tests.join(', ')}`,
    `Cannot look for missing values in ${name} on the target`,
    signal,
  );
  return columns.filter((_, n) => result?.rows[0]?.[n] === 't');
}
