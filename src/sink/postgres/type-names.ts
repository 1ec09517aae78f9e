import { OperatorError } from '../../errors.ts';
import { postgresError } from '../../postgres/errors.ts';
import { qualified, quoteIdentifier, quoteLiteral } from '../../postgres/identifier.ts';
import { Session } from './session.ts';
import type { ResolvedSinkSettings } from './settings.ts';

/** Reads `public."Mood"` as its two names and quotes them anew. */
export function quoteTypeName(name: string): string {
  const { schema, type } = splitTypeName(name);
  return qualified(schema, type);
}

/** The schema and the name that a qualified name says. */
export function splitTypeName(name: string): { schema: string; type: string } {
  const match = /^("(?:[^"]|"")+"|[^".]+)\.("(?:[^"]|"")+"|[^".]+)$/.exec(name);
  if (match === null) throw new OperatorError(`Type name ${name} is not qualified`);
  return { schema: unquote(match[1] as string), type: unquote(match[2] as string) };
}

function unquote(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

/** Committed at once, on a connection of its own: before version 17 a label added to a type of the same transaction cannot be used. */
export async function createEnum(
  session: Session,
  settings: ResolvedSinkSettings,
  name: string,
  labels: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { schema } = splitTypeName(name);
  await ensureSchema(session, settings, schema, signal);
  await using other = await Session.open(settings, signal);
  const list = labels.map(quoteLiteral).join(', ');
  await other.run(
    /* sql */ `create type ${quoteTypeName(name)} as enum (${list})`,
    `Cannot create enum ${name} on the target`,
    signal,
  );
}

/**
 * Creates a schema where it is missing (asking first: "if not exists" needs the privilege even when there is nothing to do).
 * Committed at once, so that types can be; an empty schema too many harms nothing.
 */
export async function ensureSchema(
  session: Session,
  settings: ResolvedSinkSettings,
  schema: string,
  signal: AbortSignal,
): Promise<void> {
  const found = await session.client.query(/* sql */ `select from pg_catalog.pg_namespace where nspname = $1`, [
    schema,
  ]);
  if (found.rowCount !== 0) return;
  await using other = await Session.open(settings, signal);
  await other.run(
    /* sql */ `create schema if not exists ${quoteIdentifier(schema)}`,
    `Cannot create schema "${schema}" on the target`,
    signal,
  );
}

/**
 * By the catalog's rows, not by `to_regtype`: that would leave "there is no such type" in the session's cache, which the
 * transaction then believes although another session has created the type meanwhile.
 */
export async function lookUp(session: Session, name: string, modifier: number): Promise<string | undefined> {
  const { schema, type } = splitTypeName(name);
  try {
    const result = await session.client.query<{ name: string }>(
      /* sql */ `select format_type(t.oid, $3) as name from pg_catalog.pg_type t
        join pg_catalog.pg_namespace n on n.oid = t.typnamespace where n.nspname = $1 and t.typname = $2`,
      [schema, type, modifier],
    );
    return result.rows[0]?.name;
  } catch (error) {
    throw postgresError(error, `Cannot look up type ${name} on the target`);
  }
}
