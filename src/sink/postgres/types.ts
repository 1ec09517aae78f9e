import type { Column, ColumnType } from '../../change/table-schema.ts';
import { OperatorError } from '../../errors.ts';
import { postgresError } from '../../postgres/errors.ts';
import { quoteLiteral } from '../../postgres/identifier.ts';
import { Session } from './session.ts';
import { collateClause } from './collation.ts';
import type { ResolvedColumns } from './ddl.ts';
import { makeType } from './make-type.ts';
import type { ResolvedSinkSettings } from './settings.ts';
import { createEnum, lookUp, quoteTypeName, splitTypeName } from './type-names.ts';
import type { TypePlace } from './type-place.ts';

/**
 * The type for a column on the target, as the target's catalog prints it: so nothing from the source's text reaches SQL. Types that
 * are missing are created where the source has said what they are made of. `isFollowed`: the source sends the DDL of its types too.
 * Throws OperatorError naming a type that the target lacks.
 */
export async function resolveType(place: TypePlace, type: ColumnType, isFollowed: boolean): Promise<string> {
  const { session } = place;
  const found = await lookUp(session, type.name, type.modifier);
  if (found !== undefined) return found;
  if (type.made !== undefined) {
    for (const each of type.made) await makeType(place, each, isFollowed);
    const made = await lookUp(session, type.name, type.modifier);
    if (made !== undefined) return made;
  }
  return await resolveUndescribed(place, type);
}

/** What all of the columns become on the target. */
export async function resolveColumns(
  place: TypePlace,
  columns: readonly Column[],
  isFollowed: boolean,
): Promise<ResolvedColumns> {
  const types = new Map<string, string>();
  const collations = new Map<string, string>();
  for (const { name, type, collation } of columns) {
    types.set(name, await resolveType(place, type, isFollowed));
    const clause = await collateClause(place, collation);
    if (clause !== '') collations.set(name, clause);
  }
  return { types, collations, knowsVirtual: place.session.version >= 18 };
}

/** A version that an older Rowcast has announced tells of enums only. */
async function resolveUndescribed({ session, settings, signal }: TypePlace, type: ColumnType): Promise<string> {
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
 * Adds the labels that enums of the target lack: the column's own, and those of its parts. On a connection of its own, committed at
 * once: a label cannot be used in the transaction that adds it. One that was added too early harms nothing.
 */
export async function addLabels(
  session: Session,
  settings: ResolvedSinkSettings,
  type: ColumnType,
  signal: AbortSignal,
): Promise<void> {
  const enums = (type.made ?? []).flatMap((made) => (made.kind === 'enum' ? [made] : []));
  const wanted = type.made === undefined && type.labels ? [{ name: enumName(type), labels: type.labels }] : enums;
  for (const { name, labels } of wanted) await addLabelsOf(session, settings, name, labels, signal);
}

async function addLabelsOf(
  session: Session,
  settings: ResolvedSinkSettings,
  name: string,
  labels: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const present = await readLabels(session, name);
  if (present === undefined) return;
  const missing = labels.filter((label) => !present.includes(label));
  if (missing.length === 0) return;
  await using other = await Session.open(settings, signal);
  for (const label of missing) {
    const place = placeOf(labels, present, label);
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

/** As a clause: the label goes where the source has it, next to one that is there. */
export function placeOf(labels: readonly string[], present: readonly string[], label: string): string {
  const at = labels.indexOf(label);
  const before = labels.slice(0, at).findLast((other) => present.includes(other));
  if (before !== undefined) return `after ${quoteLiteral(before)}`;
  const after = labels.slice(at + 1).find((other) => present.includes(other));
  return after === undefined ? '' : `before ${quoteLiteral(after)}`;
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
