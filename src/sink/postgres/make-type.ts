import type { Collation, MadeType, TypeReference } from '../../change/table-schema.ts';
import { OperatorError } from '../../errors.ts';
import { quoteIdentifier, quoteLiteral } from '../../postgres/identifier.ts';
import { collateClause } from './collation.ts';
import { isSafe } from './ddl-replay/safe.ts';
import { isSimpleDefault } from '../../postgres/expression.ts';
import { Session } from './session.ts';
import { createEnum, ensureSchema, lookUp, quoteTypeName, splitTypeName } from './type-names.ts';
import type { TypePlace } from './type-place.ts';

/**
 * Makes a type as the source has it, unless the target has one of that name. Committed at once, on a connection of its own, as enums
 * must be. Throws OperatorError for what only a person can make.
 */
export async function makeType(place: TypePlace, made: MadeType, isFollowed: boolean): Promise<void> {
  const { session, settings, signal } = place;
  if ((await lookUp(session, made.name, -1)) !== undefined) return;
  if (made.kind === 'extension') return await createExtension(place, made);
  if (made.kind === 'enum') return await createEnum(session, settings, made.name, made.labels, signal);
  const sql = await creationSql(place, made, isFollowed);
  await ensureSchema(session, settings, splitTypeName(made.name).schema, signal);
  await using other = await Session.open(settings, signal);
  await other.run(sql, `Cannot create type ${made.name} on the target`, signal);
}

type Created = Exclude<MadeType, { readonly kind: 'enum' | 'extension' }>;

async function creationSql(place: TypePlace, made: Created, isFollowed: boolean): Promise<string> {
  const name = quoteTypeName(made.name);
  if (made.kind === 'domain') return await domainSql(place, name, made, isFollowed);
  if (made.kind === 'composite') {
    const attributes: string[] = [];
    for (const { name: attribute, type, collation } of made.attributes) {
      attributes.push(`${quoteIdentifier(attribute)} ${await typed(place, type, collation)}`);
    }
    return /* sql */ `create type ${name} as (${attributes.join(', ')})`;
  }
  if (made.isCanonical) {
    throw new OperatorError(`Range type ${made.name} does not exist on the target, and has a function of its own`, {
      advice: 'Create it there as it is at the source, with its canonical function, then start the connector again.',
    });
  }
  const parts = [`subtype = ${await typed(place, made.subtype)}`];
  if (made.collation)
    parts.push(`collation =${await collateClause(place, made.collation).then((c) => c.replace(' collate', ''))}`);
  if (made.operators !== undefined) parts.push(`subtype_opclass = ${quoteTypeName(made.operators)}`);
  // It only estimates; one that somebody has made is not called on the word of the source.
  if (made.difference?.startsWith('pg_catalog.')) parts.push(`subtype_diff = ${quoteTypeName(made.difference)}`);
  if (made.multirange !== undefined && place.session.version >= 14) {
    parts.push(`multirange_type_name = ${quoteTypeName(made.multirange)}`);
  }
  return /* sql */ `create type ${name} as range (${parts.join(', ')})`;
}

/**
 * What a domain forbids was checked at the source. It is created with the domain only where the source sends the DDL of its domains: else a
 * check that is relaxed there would refuse rows here.
 */
async function domainSql(
  place: TypePlace,
  name: string,
  made: Extract<MadeType, { readonly kind: 'domain' }>,
  isFollowed: boolean,
): Promise<string> {
  const parts = [/* sql */ `create domain ${name} as ${await typed(place, made.base, made.collation)}`];
  if (made.default !== undefined && isSimpleDefault(made.default)) parts.push(`default ${made.default}`);
  if (!isFollowed) return parts.join(' ');
  if (made.notNull) parts.push('not null');
  for (const check of made.checks) {
    if (await isSafe(place.session, check.definition)) {
      parts.push(`constraint ${quoteIdentifier(check.name)} ${check.definition}`);
      continue;
    }
    place.warn(
      `Check ${check.name} of domain ${made.name} is not created on the target: it calls a function that the sink does not run on the word of the source`,
      'Its values were checked at the source. Add it by hand if the replica is to take other writes one day.',
    );
  }
  return parts.join(' ');
}

/** A type as the target's catalog prints it, with its collation. */
async function typed(place: TypePlace, { name, modifier }: TypeReference, collation?: Collation): Promise<string> {
  const found = await lookUp(place.session, name, modifier);
  if (found === undefined) {
    throw new OperatorError(`Type ${name} does not exist on the target`, {
      advice: 'Create it there as it is at the source, then start the connector again.',
    });
  }
  return found + (await collateClause(place, collation));
}

async function createExtension(
  { session, settings, signal }: TypePlace,
  { name, extension, schema }: Extract<MadeType, { readonly kind: 'extension' }>,
): Promise<void> {
  const sql = /* sql */ `create extension ${quoteIdentifier(extension)} schema ${quoteIdentifier(schema)}`;
  if (!settings.createExtensions) {
    throw new OperatorError(`Type ${name} does not exist on the target: it belongs to extension ${extension}`, {
      advice: `Run there: ${sql}; or let the connector do it: set auto.create.extensions. Then start it again.`,
    });
  }
  await ensureSchema(session, settings, schema, signal);
  await using other = await Session.open(settings, signal);
  await other.run(
    sql.replace('extension', 'extension if not exists'),
    `Cannot create extension ${quoteLiteral(extension)} on the target`,
    signal,
  );
}
