import type { TypeState } from '../../../change/ddl.ts';
import { OperatorError } from '../../../errors.ts';
import { qualified, quoteIdentifier } from '../../../postgres/identifier.ts';
import { execute, type ReplayPlace } from './place.ts';

/** Brings a composite type from what its attributes were to what they are; those that a person has altered already stay. */
export async function alterComposite(
  place: ReplayPlace,
  name: string,
  oid: number,
  before: TypeState | undefined,
  after: TypeState,
): Promise<void> {
  const present = await attributesOf(place, oid);
  const run = (clause: string): Promise<void> => execute(place, name, /* sql */ `alter type ${name} ${clause}`);
  const olds = before?.attributes ?? [];
  for (const { number, name: attribute } of olds) {
    if (after.attributes?.some((each) => each.number === number) || !present.delete(attribute)) continue;
    await run(`drop attribute ${quoteIdentifier(attribute)}`);
  }
  for (const { number, name: attribute, type } of after.attributes ?? []) {
    const old = olds.find((each) => each.number === number);
    const quoted = quoteIdentifier(attribute);
    if (old !== undefined && old.name !== attribute && present.has(old.name) && !present.has(attribute)) {
      await run(`rename attribute ${quoteIdentifier(old.name)} to ${quoted}`);
      present.set(attribute, present.get(old.name) as string);
      present.delete(old.name);
    }
    if (!present.has(attribute)) await run(`add attribute ${quoted} ${checkedType(type)}`);
    else if (old !== undefined && old.type !== type && present.get(attribute) !== type) {
      await run(`alter attribute ${quoted} type ${checkedType(type)}`);
    }
  }
}

/** What creates a range type. Throws OperatorError when it goes by functions that somebody has made. */
export function createRangeSql(
  name: string,
  { subtype = '', opclass, collation, multirange, functions }: TypeState,
): string {
  const { canonical = null, difference = null } = functions ?? {};
  if (canonical !== null || (difference !== null && !/^[a-z0-9_]+$/.test(difference))) {
    throw new OperatorError(
      `Range type ${name} goes by a function that the sink does not call on the word of the source`,
      {
        advice: 'Create the type on the target by hand, and start the connector again.',
      },
    );
  }
  const parts = [`subtype = ${checkedType(subtype)}`];
  if (opclass) parts.push(`subtype_opclass = ${qualified(opclass.schema, opclass.name)}`);
  if (collation) parts.push(`collation = ${qualified(collation.schema, collation.name)}`);
  if (difference !== null) parts.push(`subtype_diff = pg_catalog.${quoteIdentifier(difference)}`);
  if (multirange !== undefined) parts.push(`multirange_type_name = ${qualified(multirange.schema, multirange.name)}`);
  return /* sql */ `create type ${name} as range (${parts.join(', ')})`;
}

/** A type as `format_type` prints it. */
export function checkedType(type: string): string {
  const isType = /^(?:[\w$\u0080-\uffff]+|"(?:[^"\\]|"")+"|[. ]|\([\w, -]*\)|\[\])+$/.test(type);
  const isMore = /\b(?:default|check|constraint|collate|not|null|references|generated|using)\b/i.test(
    type.replaceAll(/"[^"]*"/g, ''),
  );
  if (isType && !isMore) return type;
  throw new OperatorError(`A type in the log is written as Postgres does not print it: ${type}`);
}

async function attributesOf({ session }: ReplayPlace, oid: number): Promise<Map<string, string>> {
  const { rows } = await session.client.query<{ name: string; type: string }>(
    /* sql */ `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type
      from pg_catalog.pg_type t join pg_catalog.pg_attribute a on a.attrelid = t.typrelid
      where t.oid = $1 and a.attnum > 0 and not a.attisdropped`,
    [oid],
  );
  return new Map(rows.map(({ name, type }) => [name, type]));
}
