import type { SequenceColumn, SequenceState } from '../../change/sequence-state.ts';
import { qualified, quoteIdentifier, quoteLiteral } from '../../postgres/identifier.ts';
import { checkDeferred } from './deferred.ts';
import type { Session } from './session.ts';
import { type ResolvedSinkSettings, targetSchema } from './settings.ts';
import type { Tables } from './tables.ts';
import { ensureSchema } from './type-names.ts';
import type { Warn } from './warn.ts';

/** What sequences of the target are found and made with. */
export interface SequencePlace {
  readonly session: Session;
  readonly settings: ResolvedSinkSettings;
  readonly tables: Tables;
  readonly warn: Warn;
}

/** A sequence or a table of the target. */
export interface TargetName {
  readonly schema: string;
  readonly name: string;
}

/** The target's sequence: an identity's is its column's, others have their name, or at least a column that draws from them. */
export async function findSequence(place: SequencePlace, state: SequenceState): Promise<TargetName | undefined> {
  const isIdentity = state.columns.some(({ draws }) => draws !== 'n');
  return (isIdentity ? undefined : await byName(place, state)) ?? (await byColumn(place, state));
}

async function byName(place: SequencePlace, state: SequenceState): Promise<TargetName | undefined> {
  const at = nameOf(place, state);
  const { rowCount } = await place.session.client.query(
    /* sql */ `select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relname = $2 and c.relkind = 'S'`,
    [at.schema, at.name],
  );
  return rowCount === 0 ? undefined : at;
}

async function byColumn(
  { session, tables }: SequencePlace,
  { columns }: SequenceState,
): Promise<TargetName | undefined> {
  for (const { schema, table, column } of columns) {
    const at = tables.nameOf({ schema, name: table });
    const { rows } = await session.client.query<TargetName>(OF_COLUMN, [at.schema, at.name, column]);
    if (rows[0] !== undefined) return rows[0];
  }
  return undefined;
}

/** Makes what the target lacks: the sequence, and that columns draw from it. Undefined when it has none of the columns. */
export async function makeSequence(
  place: SequencePlace,
  state: SequenceState,
  found: TargetName | undefined,
  signal: AbortSignal,
): Promise<TargetName | undefined> {
  const { session, settings, tables } = place;
  const bare = await bareColumns(place, state.columns);
  if (found !== undefined && bare.length === 0) return found;
  const owner = bare.find(({ draws }) => draws !== 'n');
  if (found === undefined && owner === undefined && bare.length === 0 && state.columns.length > 0) return undefined;
  await checkDeferred(session, signal);
  tables.changed(); // they are looked up again
  if (found === undefined && owner !== undefined) {
    const kind = owner.draws === 'a' ? 'always' : 'by default';
    await session.single(/* sql */ `${owner.alter} set not null, alter column ${owner.quoted}
      add generated ${kind} as identity (${sequenceOptions(state)})`);
    return await findSequence(place, state);
  }
  const target = found ?? nameOf(place, state);
  const name = qualified(target.schema, target.name);
  if (found === undefined) {
    await ensureSchema(session, settings, target.schema, signal);
    await session.single(/* sql */ `create sequence ${name} as ${sequenceType(state)} ${sequenceOptions(state)}`);
  }
  for (const { alter, draws, isOwner, of } of bare) {
    if (draws !== 'n') continue;
    await session.single(/* sql */ `${alter} set default nextval(${quoteLiteral(name)}::regclass)`);
    if (isOwner) await session.single(/* sql */ `alter sequence ${name} owned by ${of}`);
  }
  return target;
}

/** Numbers come from a catalog, but through the log: nothing else gets into SQL. */
export function sequenceOptions({ start, increment, min, max, cache, cycles }: SequenceState): string {
  const clauses = [
    ['start with', start],
    ['increment by', increment],
    ['minvalue', min],
    ['maxvalue', max],
    ['cache', cache],
  ] as const;
  return `${clauses.map(([clause, number]) => `${clause} ${BigInt(number)}`).join(' ')}${cycles ? ' cycle' : ' no cycle'}`;
}

/** The sequence's type as SQL. */
export function sequenceType({ type }: SequenceState): string {
  return type === 'smallint' || type === 'integer' ? type : 'bigint';
}

function nameOf({ settings }: SequencePlace, { schema, name }: SequenceState): TargetName {
  return { schema: targetSchema(settings, schema), name };
}

/** A column of the target that has neither default nor identity. */
interface BareColumn extends Pick<SequenceColumn, 'draws' | 'isOwner'> {
  readonly quoted: string;
  /** `"schema"."table"."column"`. */
  readonly of: string;
  /** The beginning of what alters it. */
  readonly alter: string;
}

async function bareColumns(
  { session, tables }: SequencePlace,
  columns: readonly SequenceColumn[],
): Promise<BareColumn[]> {
  const bare: BareColumn[] = [];
  for (const { schema, table, column, draws, isOwner } of columns) {
    const at = tables.nameOf({ schema, name: table });
    const { rowCount } = await session.client.query(
      /* sql */ `select from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p') and a.attname = $3 and not a.attisdropped
          and not a.atthasdef and a.attidentity = ''`,
      [at.schema, at.name, column],
    );
    if (rowCount === 0) continue;
    const [name, quoted] = [qualified(at.schema, at.name), quoteIdentifier(column)];
    const alter = /* sql */ `alter table ${name} alter column ${quoted}`;
    bare.push({ draws, isOwner, quoted, of: `${name}.${quoted}`, alter });
  }
  return bare;
}

/** What the column owns as identity or otherwise, if it draws at all, before what its default calls. */
const OF_COLUMN = /* sql */ `
  select sn.nspname as schema, s.relname as name
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = $3 and not a.attisdropped
  left join pg_catalog.pg_attrdef f on f.adrelid = c.oid and f.adnum = a.attnum
  join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_class'::regclass and (
    (d.classid = 'pg_catalog.pg_class'::regclass and d.refobjid = c.oid and d.refobjsubid = a.attnum and d.deptype = 'i')
    or (d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = f.oid))
  join pg_catalog.pg_class s on s.relkind = 'S'
    and s.oid = case d.classid when 'pg_catalog.pg_class'::regclass then d.objid else d.refobjid end
  join pg_catalog.pg_namespace sn on sn.oid = s.relnamespace
  where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p')
  limit 1`;
