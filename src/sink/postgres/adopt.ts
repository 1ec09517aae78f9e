import { createHash } from 'node:crypto';
import type { TableSchema } from '../../change/table-schema.ts';
import { qualified, quoteIdentifier, quoteLiteral } from '../../postgres/identifier.ts';
import type { Session } from './session.ts';
import type { ResolvedSinkSettings } from './settings.ts';
import { describeTarget, findTarget, type TargetTable } from './target-table.ts';
import type { Warn } from './warn.ts';

/** What comparing adopted tables needs. */
export interface AdoptionPlace {
  readonly session: Session;
  readonly settings: ResolvedSinkSettings;
  readonly warn: Warn;
  readonly nameOf: (schema: TableSchema) => { readonly schema: string; readonly name: string };
}

const DOING = 'Cannot compare the rows that tables of the target had';

/**
 * Puts the rows of a table aside, before a copy fills it, so that they can be compared with what the copy brings. What was put aside before, by an
 * adoption that was not finished, is kept: it is what the table had at first.
 */
export async function setAside(
  session: Session,
  settings: ResolvedSinkSettings,
  { schema, name }: TargetTable,
  signal: AbortSignal,
): Promise<void> {
  const aside = asideOf(settings, schema);
  await session.run(
    /* sql */ `create table if not exists ${qualified('rowcast', aside)} as select * from ${name}`,
    DOING,
    signal,
  );
}

/**
 * Compares what was put aside of these tables with what the copy has brought, and tells it. Rows that differ, or that the source has not got, stay in a
 * table of schema rowcast that the message names; when there are none, nothing is kept.
 */
export async function compareAside(
  place: AdoptionPlace,
  schemas: readonly TableSchema[],
  signal: AbortSignal,
): Promise<void> {
  if (place.settings.onExisting !== 'adopt') return;
  for (const schema of schemas) {
    const aside = asideOf(place.settings, schema);
    const there = await columnsOf(place.session, aside);
    if (there.length > 0) await compare(place, schema, aside, there, signal);
  }
}

/** One name per table of a source and connector: two sinks may write into one database. */
function asideOf({ name, prefix }: ResolvedSinkSettings, { relationId }: TableSchema): string {
  return `aside_${createHash('sha256')
    .update(JSON.stringify([name, prefix, relationId]))
    .digest('hex')
    .slice(0, 12)}`;
}

async function columnsOf(session: Session, table: string): Promise<readonly string[]> {
  const { rows } = await session.client.query<{ name: string }>(
    /* sql */ `select attname as name from pg_catalog.pg_attribute
      where attrelid = pg_catalog.to_regclass($1) and attnum > 0 and not attisdropped`,
    [qualified('rowcast', table)],
  );
  return rows.map(({ name }) => name);
}

async function compare(
  { session, warn, nameOf }: AdoptionPlace,
  schema: TableSchema,
  aside: string,
  there: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const found = await findTarget(session, schema, nameOf(schema));
  if (found === undefined) return; // it is not on the target any more: there is nothing to compare with
  const { name, columns } = await describeTarget(session, schema, found.oid, found.facts);
  const common = columns
    .map(({ quoted }) => quoted)
    .filter((quoted) => there.some((each) => quoteIdentifier(each) === quoted));
  // Rows are compared by their texts, which are exact for every type, also for one without equality.
  const digest = /* sql */ `sha256(convert_to(row(${common.join(', ')})::text, 'UTF8'))`;
  const old = qualified('rowcast', aside);
  const [counted] = await session.run(
    /* sql */ `with old as (select ${digest} as h, count(*) as n from ${old} group by 1),
        new as (select ${digest} as h, count(*) as n from ${name} group by 1)
      select coalesce(sum(least(coalesce(old.n, 0), coalesce(new.n, 0))), 0)::text,
        coalesce(sum(greatest(coalesce(old.n, 0) - coalesce(new.n, 0), 0)), 0)::text,
        coalesce(sum(greatest(coalesce(new.n, 0) - coalesce(old.n, 0), 0)), 0)::text
      from old full join new using (h)`,
    DOING,
    signal,
  );
  const [equal, gone, brought] = (counted?.rows[0] ?? []).map(Number) as [number, number, number];
  const kept = gone === 0 ? undefined : `replaced_${aside.slice('aside_'.length)}_${found.oid}`;
  await session.run(
    kept === undefined ? /* sql */ `drop table ${old}` : keepSql(old, kept, name, digest),
    DOING,
    signal,
  );
  const where = kept === undefined ? '' : `; the former ones are in ${qualified('rowcast', kept)}`;
  warn(
    `Table ${name} was adopted: ${equal} of its rows are equal at the source, ${gone} were not and are replaced or removed, ${brought} came from there${where}`,
    kept === undefined ? 'Nothing is lost.' : 'Drop that table when nobody misses them.',
  );
}

/** Leaves what is not at the source under a name that says so. */
function keepSql(old: string, kept: string, name: string, digest: string): string {
  return /* sql */ `delete from ${old} where ${digest} in (select ${digest} from ${name});
    drop table if exists ${qualified('rowcast', kept)};
    alter table ${old} rename to ${quoteIdentifier(kept)};
    comment on table ${qualified('rowcast', kept)} is ${quoteLiteral(`Rows that ${name} had and the source had not when it was copied`)}`;
}
