import type { ColumnType } from '../../change/table-schema.ts';
import { OperatorError } from '../../errors.ts';
import { postgresError } from '../../postgres/errors.ts';
import { qualified, quoteIdentifier, quoteLiteral } from '../../postgres/identifier.ts';
import { Session } from './session.ts';
import type { ResolvedSinkSettings } from './settings.ts';

/**
 * The type for a column on the target, as the target's catalog prints it: so nothing from the source's text reaches SQL. Enum
 * types that are missing are created, a missing domain is replaced by what it is based on. Throws OperatorError naming a type
 * that the target lacks.
 */
export async function resolveType(
  session: Session,
  settings: ResolvedSinkSettings,
  type: ColumnType,
  signal: AbortSignal,
): Promise<string> {
  const found = await lookUp(session, type.name, type.modifier);
  if (found !== undefined) return found;
  if ((type.kind === 'enum' || type.kind === 'array') && type.labels !== undefined) {
    await createEnum(session, settings, enumName(type), type.labels, signal);
    return (await lookUp(session, type.name, -1)) as string;
  }
  if (type.kind === 'domain') {
    const base = await lookUp(session, type.base, type.baseModifier);
    if (base !== undefined) return base;
    if (type.labels !== undefined) {
      await createEnum(session, settings, type.base, type.labels, signal);
      return (await lookUp(session, type.base, -1)) as string;
    }
  }
  throw new OperatorError(`Type ${type.name} does not exist on the target`, {
    advice: "Create it there as it is at the source (for an extension's type: create extension).",
  });
}

/**
 * Adds the labels that an enum of the target lacks. On a connection of its own, committed at once: a label cannot be used in
 * the transaction that adds it. One that was added too early harms nothing.
 */
export async function addLabels(
  session: Session,
  settings: ResolvedSinkSettings,
  type: ColumnType,
  signal: AbortSignal,
): Promise<void> {
  if (type.labels === undefined) return;
  const name = enumName(type);
  const present = await readLabels(session, name);
  if (present === undefined) return;
  const missing = type.labels.filter((label) => !present.includes(label));
  if (missing.length === 0) return;
  await using other = await Session.open(settings, signal);
  for (const label of missing) {
    const place = placeOf(type.labels, present, label);
    await other.run(
      /* sql */ `alter type ${quoteTypeName(name)} add value if not exists ${quoteLiteral(label)} ${place}`,
      `Cannot add a label to enum ${name} on the target`,
      signal,
    );
    present.push(label);
  }
}

/** The enum behind a column: an array is declared as its elements' type with brackets behind it. */
function enumName({ kind, name, base, declared }: ColumnType): string {
  if (kind === 'array') return declared.replace(/(\[\])+$/, '');
  return kind === 'domain' ? base : name;
}

/** Reads `public."Mood"` as its two names and quotes them anew. */
export function quoteTypeName(name: string): string {
  const { schema, type } = splitTypeName(name);
  return qualified(schema, type);
}

function splitTypeName(name: string): { schema: string; type: string } {
  const match = /^("(?:[^"]|"")+"|[^".]+)\.("(?:[^"]|"")+"|[^".]+)$/.exec(name);
  if (match === null) throw new OperatorError(`Type name ${name} is not qualified`);
  return { schema: unquote(match[1] as string), type: unquote(match[2] as string) };
}

function unquote(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

/** As a clause: the label goes where the source has it, next to one that is there. */
export function placeOf(labels: readonly string[], present: readonly string[], label: string): string {
  const at = labels.indexOf(label);
  const before = labels.slice(0, at).findLast((other) => present.includes(other));
  if (before !== undefined) return `after ${quoteLiteral(before)}`;
  const after = labels.slice(at + 1).find((other) => present.includes(other));
  return after === undefined ? '' : `before ${quoteLiteral(after)}`;
}

/** Committed at once, on a connection of its own: before version 17 a label added to a type of the same transaction cannot be used. */
async function createEnum(
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
async function lookUp(session: Session, name: string, modifier: number): Promise<string | undefined> {
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

async function readLabels(session: Session, name: string): Promise<string[] | undefined> {
  const { schema, type } = splitTypeName(name);
  try {
    const result = await session.client.query<{ labels: string[] }>(
      /* sql */ `select array(select enumlabel::text from pg_catalog.pg_enum where enumtypid = t.oid order by enumsortorder) as labels
        from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
        where n.nspname = $1 and t.typname = $2 and t.typtype = 'e'`,
      [schema, type],
    );
    return result.rows[0]?.labels;
  } catch (error) {
    throw postgresError(error, `Cannot read the labels of enum ${name} on the target`);
  }
}
