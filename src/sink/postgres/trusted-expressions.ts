import { type Column, type TableSchema, tableName } from '../../change/table-schema.ts';
import { OperatorError } from '../../errors.ts';
import type { Session } from './session.ts';

/** A name that Postgres wrote with its schema: a function, a type, or an operator. */
export interface QualifiedName {
  readonly schema: string;
  readonly name: string;
}

const NAME = String.raw`"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*`;
/** Names without a schema are matched as well, so that the search goes on behind them: from each letter of a long one it would take for ever. */
const QUALIFIED = new RegExp(String.raw`(${NAME})(?:\.(${NAME}|[-+*/<>=~!@#%^&|\x60?]+))?`, 'gu');

/** The names outside pg_catalog that an expression has, as `pg_get_expr` writes it when search_path is empty. */
export function qualifiedNames(expression: string): QualifiedName[] {
  const code = expression.replaceAll(/'(?:[^']|'')*'/g, "''");
  return [...code.matchAll(QUALIFIED)]
    .flatMap(([, schema = '', name]) =>
      name === undefined ? [] : [{ schema: unquoted(schema), name: unquoted(name) }],
    )
    .filter(({ schema }) => schema !== 'pg_catalog');
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

/**
 * Refuses generated columns that would run, with the sink's rights, a function of an ordinary user of the target: the expression comes from
 * whoever owns the table at the source (Invariant 11). `present` are the columns that the target has already, `types` those of the
 * table's columns there: a cast shows no name. Throws OperatorError naming the column.
 */
export async function requireTrusted(
  session: Session,
  schema: TableSchema,
  present: readonly Column[],
  types: Iterable<string>,
): Promise<void> {
  for (const column of schema.columns) {
    if (column.generated === undefined || column.default === undefined) continue;
    if (present.some(({ name }) => name === column.name)) continue;
    const found = await findUntrusted(session, column.default, types);
    if (found === undefined) continue;
    throw new OperatorError(
      `Generated column "${column.name}" of ${tableName(schema)} would run function ${found}, which an ordinary user of the target owns`,
      {
        advice:
          'Give the function to the role of the connector or to a superuser, or create the column on the target by hand.',
      },
    );
  }
}

/** The function of an ordinary user of the target that an expression over columns of these types may run; undefined when there is none. */
export async function findUntrusted(
  session: Session,
  expression: string,
  types: Iterable<string>,
): Promise<string | undefined> {
  const names = qualifiedNames(expression);
  const { rows } = await session.client.query<{ function: string }>(UNTRUSTED, [
    names.map((each) => each.schema),
    names.map((each) => each.name),
    [...types],
  ]);
  return rows[0]?.function;
}

/** A function that is named, the one behind an operator that is, or one that casts a type of the table. */
const UNTRUSTED = /* sql */ `
  with said as (
    select n.oid as space, s.name from unnest($1::text[], $2::text[]) s (space, name)
    join pg_catalog.pg_namespace n on n.nspname = s.space),
  types as (
    select t.oid, t.typelem from pg_catalog.pg_type t join said on said.space = t.typnamespace and said.name = t.typname
    union select t.oid, t.typelem from unnest($3::text[]) name join pg_catalog.pg_type t on t.oid = to_regtype(name))
  select p.oid::regprocedure::text as function
  from pg_catalog.pg_proc p join pg_catalog.pg_roles r on r.oid = p.proowner
  where not r.rolsuper and r.rolname <> current_user and (
    exists (select from said where said.space = p.pronamespace and said.name = p.proname)
    or exists (select from pg_catalog.pg_operator o join said on said.space = o.oprnamespace and said.name = o.oprname where o.oprcode = p.oid)
    or exists (select from pg_catalog.pg_cast c join types t on c.castsource in (t.oid, t.typelem) or c.casttarget in (t.oid, t.typelem)
      where c.castfunc = p.oid))
  order by 1 limit 1`;
