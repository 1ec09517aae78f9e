import type { Collation } from '../../change/table-schema.ts';
import { postgresError } from '../../postgres/errors.ts';
import { quoteLiteral } from '../../postgres/identifier.ts';
import { Session } from './session.ts';
import { ensureSchema, quoteTypeName, splitTypeName } from './type-names.ts';
import type { TypePlace } from './type-place.ts';

const PROVIDERS: Readonly<Record<string, string>> = { i: 'icu', c: 'libc', b: 'builtin' };

/**
 * ` collate …` for a collation that the target has, or that can be made as the source has it; else empty, with a warning: values are the same
 * under any collation, their order is not.
 */
export async function collateClause(place: TypePlace, collation: Collation | undefined): Promise<string> {
  if (collation === undefined) return '';
  const clause = ` collate ${quoteTypeName(collation.name)}`;
  if (await exists(place.session, collation.name)) return clause;
  const reason = await create(place, collation);
  if (reason === undefined) return clause;
  place.warn(
    `Collation ${collation.name} does not exist on the target: columns have their type's own there, values are the same, their order may not be${reason}`,
    'Create it there and alter the columns, if their order matters.',
  );
  return '';
}

/** Undefined when it was made; else why not. */
async function create(place: TypePlace, { name, definition }: Collation): Promise<string | undefined> {
  const provider = definition && PROVIDERS[definition.provider];
  if (definition === undefined || provider === undefined) return '';
  const { locale, ctype, rules, isDeterministic } = definition;
  const parts = [`provider = ${provider}`, `deterministic = ${isDeterministic}`];
  if (provider === 'libc') parts.push(`lc_collate = ${literal(locale)}`, `lc_ctype = ${literal(ctype ?? locale)}`);
  else parts.push(`locale = ${literal(locale)}`);
  if (rules !== undefined) parts.push(`rules = ${literal(rules)}`);
  const { session, settings, signal } = place;
  await ensureSchema(session, settings, splitTypeName(name).schema, signal);
  await using other = await Session.open(settings, signal);
  try {
    await other.single(/* sql */ `create collation if not exists ${quoteTypeName(name)} (${parts.join(', ')})`);
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return ` (${postgresError(error, 'it cannot be created').message})`;
  }
}

function literal(text: string): string {
  return quoteLiteral(text).trim();
}

async function exists(session: Session, name: string): Promise<boolean> {
  const { schema, type } = splitTypeName(name);
  const { rowCount } = await session.client.query(
    /* sql */ `select from pg_catalog.pg_collation c join pg_catalog.pg_namespace n on n.oid = c.collnamespace
      where n.nspname = $1 and c.collname = $2
        and c.collencoding in (-1, (select encoding from pg_catalog.pg_database where datname = current_database()))`,
    [schema, type],
  );
  return rowCount !== 0;
}
