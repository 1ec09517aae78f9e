import type { SchemaState, TypeState } from '../../../change/ddl.ts';
import { qualified, quoteIdentifier, quoteLiteral } from '../../../postgres/identifier.ts';
import { isSimpleDefault } from '../../../postgres/expression.ts';
import { Session } from '../session.ts';
import { ensureSchema } from '../type-names.ts';
import { placeOf } from '../types.ts';
import { replayComment } from './comments.ts';
import { alterComposite, checkedType, createRangeSql } from './composite-replay.ts';
import { execute, type ReplayPlace } from './place.ts';
import { assertSafe } from './safe.ts';

/** Brings a type to what it is at the source. */
export async function replayType(place: ReplayPlace, before: TypeState | undefined, after: TypeState): Promise<void> {
  const { tables } = place;
  if (before !== undefined) await renameType(place, before, after);
  const to = tables.nameOf(after);
  const oid = await findType(place, to);
  const name = qualified(to.schema, to.name);
  if (oid === undefined) await createType(place, name, to.schema, after);
  else if (after.kind === 'enum') await alterEnum(place, name, oid, before, after);
  else if (after.kind === 'domain') await alterDomain(place, name, before, after);
  else if (after.kind === 'composite') await alterComposite(place, name, oid, before, after);
  await replayComment(place, `${after.kind === 'domain' ? 'domain' : 'type'} ${name}`, before?.comment, after.comment);
}

/** Drops a type; a column of the target's own that has it keeps it, and is an error. */
export async function dropType(place: ReplayPlace, state: TypeState): Promise<void> {
  const { schema, name } = place.tables.nameOf(state);
  const what = state.kind === 'domain' ? 'domain' : 'type';
  await execute(place, `${what} ${name}`, /* sql */ `drop ${what} if exists ${qualified(schema, name)}`);
}

/** Creates or renames a schema. */
export async function replaySchema(
  place: ReplayPlace,
  before: SchemaState | undefined,
  after: SchemaState,
): Promise<void> {
  const { session, tables } = place;
  const to = tables.nameOf({ schema: after.name, name: '' }).schema;
  if (!(await hasSchema(session, to))) await makeSchema(place, before, to);
  await replayComment(place, `schema ${quoteIdentifier(to)}`, before?.comment, after.comment);
}

async function makeSchema(place: ReplayPlace, before: SchemaState | undefined, to: string): Promise<void> {
  const { session, tables } = place;
  const from = before && tables.nameOf({ schema: before.name, name: '' }).schema;
  const sql =
    from !== undefined && (await hasSchema(session, from))
      ? /* sql */ `alter schema ${quoteIdentifier(from)} rename to ${quoteIdentifier(to)}`
      : /* sql */ `create schema ${quoteIdentifier(to)}`;
  await execute(place, `schema ${to}`, sql);
}

/** Drops a schema, unless the target has something of its own in it. */
export async function dropSchema(place: ReplayPlace, state: SchemaState): Promise<void> {
  const name = place.tables.nameOf({ schema: state.name, name: '' }).schema;
  const { rowCount } = await place.session.client.query(
    /* sql */ `select from pg_catalog.pg_namespace n where n.nspname = $1 and not exists (
      select from pg_catalog.pg_depend d where d.refclassid = 'pg_catalog.pg_namespace'::regclass and d.refobjid = n.oid)`,
    [name],
  );
  if (rowCount === 1) await execute(place, `schema ${name}`, /* sql */ `drop schema ${quoteIdentifier(name)}`);
}

async function renameType(place: ReplayPlace, before: TypeState, after: TypeState): Promise<void> {
  const [from, to] = [place.tables.nameOf(before), place.tables.nameOf(after)];
  if (from.schema === to.schema && from.name === to.name) return;
  if ((await findType(place, from)) === undefined || (await findType(place, to)) !== undefined) return;
  const what = `alter ${after.kind === 'domain' ? 'domain' : 'type'}`;
  const object = `type ${from.name}`;
  if (from.schema !== to.schema) {
    await ensureSchema(place.session, place.settings, to.schema, place.signal);
    await execute(
      place,
      object,
      `${what} ${qualified(from.schema, from.name)} set schema ${quoteIdentifier(to.schema)}`,
    );
  }
  if (from.name === to.name) return;
  await execute(place, object, `${what} ${qualified(to.schema, from.name)} rename to ${quoteIdentifier(to.name)}`);
}

async function createType(place: ReplayPlace, name: string, schema: string, state: TypeState): Promise<void> {
  await ensureSchema(place.session, place.settings, schema, place.signal);
  if (state.kind === 'enum') {
    const labels = (state.labels ?? []).map(({ label }) => quoteLiteral(label)).join(', ');
    return await execute(place, name, /* sql */ `create type ${name} as enum (${labels})`);
  }
  if (state.kind === 'composite') {
    const attributes = (state.attributes ?? []).map(
      ({ name: attribute, type }) => `${quoteIdentifier(attribute)} ${checkedType(type)}`,
    );
    return await execute(place, name, /* sql */ `create type ${name} as (${attributes.join(', ')})`);
  }
  if (state.kind === 'range')
    return await execute(
      place,
      name,
      createRangeSql(name, {
        ...state,
        ...(state.multirange && { multirange: place.tables.nameOf(state.multirange) }),
      }),
    );
  const parts = [/* sql */ `create domain ${name} as ${checkedType(state.base ?? '')}`];
  if (isKept(state.default)) parts.push(`default ${state.default}`);
  if (state.notNull === true) parts.push('not null');
  await execute(place, name, parts.join(' '));
  for (const check of state.checks ?? []) await addCheck(place, name, check);
}

/**
 * Labels are renamed by their ids and added in their places. Adding is committed at once, on a connection of its own: a label cannot be used in the
 * transaction that adds it, unless it has created the type. One that has renamed a label holds the type's lock, and has to add the label itself.
 */
async function alterEnum(
  place: ReplayPlace,
  name: string,
  oid: number,
  before: TypeState | undefined,
  after: TypeState,
): Promise<void> {
  const present = await labelsOf(place, oid);
  for (const { oid: id, label } of after.labels ?? []) {
    const old = before?.labels?.find((each) => each.oid === id)?.label;
    if (old === undefined || old === label || !present.includes(old) || present.includes(label)) continue;
    await execute(
      place,
      name,
      /* sql */ `alter type ${name} rename value ${quoteLiteral(old)} to ${quoteLiteral(label)}`,
    );
    present[present.indexOf(old)] = label;
  }
  const labels = (after.labels ?? []).map(({ label }) => label);
  const missing = labels.filter((label) => !present.includes(label));
  if (missing.length === 0) return;
  await using other = await Session.open(place.settings, place.signal);
  const committed = (await isLocked(place, oid)) ? undefined : await committedName(other, oid);
  const committedLabels = committed === undefined ? [] : await labelsOf({ session: other }, oid);
  for (const label of missing) {
    const clause = (among: readonly string[]): string =>
      `add value if not exists ${quoteLiteral(label)} ${placeOf(labels, among, label)}`;
    if (committed === undefined) await execute(place, name, /* sql */ `alter type ${name} ${clause(present)}`);
    else {
      const sql = /* sql */ `alter type ${committed} ${clause(committedLabels)}`;
      await other.run(sql, `Cannot add a label to enum ${name} on the target`, place.signal);
    }
    present.push(label);
    committedLabels.push(label);
  }
}

async function alterDomain(
  place: ReplayPlace,
  name: string,
  before: TypeState | undefined,
  after: TypeState,
): Promise<void> {
  if (before === undefined) return; // the target had it
  const run = (clause: string): Promise<void> => execute(place, name, /* sql */ `alter domain ${name} ${clause}`);
  for (const old of before.checks ?? []) {
    const now = after.checks?.find(({ oid }) => oid === old.oid);
    if (now === undefined) await run(`drop constraint if exists ${quoteIdentifier(old.name)}`);
    else if (now.name !== old.name && (await hasCheck(place, name, old.name))) {
      await run(`rename constraint ${quoteIdentifier(old.name)} to ${quoteIdentifier(now.name)}`);
    }
  }
  if (before.notNull !== after.notNull) await run(after.notNull === true ? 'set not null' : 'drop not null');
  if (before.default !== after.default) {
    await run(isKept(after.default) ? `set default ${after.default}` : 'drop default');
  }
  for (const check of after.checks ?? []) {
    if (before.checks?.some(({ oid }) => oid === check.oid) || (await hasCheck(place, name, check.name))) continue;
    await addCheck(place, name, check);
  }
}

async function addCheck(
  place: ReplayPlace,
  domain: string,
  check: { name: string; definition: string },
): Promise<void> {
  await assertSafe(place.session, check.definition, `Constraint ${check.name} of domain ${domain}`);
  const clause = `add constraint ${quoteIdentifier(check.name)} ${check.definition}`;
  await execute(place, domain, /* sql */ `alter domain ${domain} ${clause}`);
}

function isKept(expression: string | null | undefined): expression is string {
  return expression !== null && expression !== undefined && isSimpleDefault(expression);
}

async function findType(
  { session }: ReplayPlace,
  { schema, name }: { schema: string; name: string },
): Promise<number | undefined> {
  const { rows } = await session.client.query<{ oid: number }>(
    /* sql */ `select t.oid from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace where n.nspname = $1 and t.typname = $2`,
    [schema, name],
  );
  return rows[0]?.oid;
}

/** Whether this transaction has altered the enum. */
async function isLocked({ session }: ReplayPlace, oid: number): Promise<boolean> {
  const { rowCount } = await session.client.query(
    /* sql */ `select from pg_catalog.pg_locks l where l.pid = pg_catalog.pg_backend_pid() and l.locktype = 'object'
      and l.classid = 'pg_catalog.pg_type'::regclass and l.objid = $1 and l.mode = 'ExclusiveLock' and l.granted`,
    [oid],
  );
  return (rowCount ?? 0) > 0;
}

async function committedName(session: Session, oid: number): Promise<string | undefined> {
  const { rows } = await session.client.query<{ schema: string; name: string }>(
    /* sql */ `select n.nspname as schema, t.typname as name from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace where t.oid = $1`,
    [oid],
  );
  return rows[0] && qualified(rows[0].schema, rows[0].name);
}

async function labelsOf({ session }: Pick<ReplayPlace, 'session'>, oid: number): Promise<string[]> {
  const { rows } = await session.client.query<{ label: string }>(
    /* sql */ `select enumlabel as label from pg_catalog.pg_enum where enumtypid = $1 order by enumsortorder`,
    [oid],
  );
  return rows.map(({ label }) => label);
}

async function hasCheck({ session }: ReplayPlace, domain: string, name: string): Promise<boolean> {
  const sql = /* sql */ `select from pg_catalog.pg_constraint where contypid = $1::regtype and conname = $2`;
  return ((await session.client.query(sql, [domain, name])).rowCount ?? 0) > 0;
}

async function hasSchema(session: Session, name: string): Promise<boolean> {
  const sql = /* sql */ `select from pg_catalog.pg_namespace where nspname = $1`;
  return ((await session.client.query(sql, [name])).rowCount ?? 0) > 0;
}
