import type { RoutineState, ViewState } from '../../../change/ddl.ts';
import { OperatorError } from '../../../errors.ts';
import { qualified, quoteIdentifier } from '../../../postgres/identifier.ts';
import { ensureSchema } from '../types.ts';
import { replayComment } from './comments.ts';
import { planParts, readIndex } from './parts.ts';
import { execute, type ReplayPlace } from './place.ts';
import { assertSafe } from './safe.ts';
import { optionClauses, optionSql } from './table-extras.ts';

/**
 * Views and routines are the source's own text: who may create them there decides what runs here. They are replayed only where the operator has
 * said so (Invariant 11).
 */
export async function replayView(
  place: ReplayPlace,
  before: ViewState | undefined,
  after: ViewState,
  isRefreshed: boolean,
): Promise<void> {
  const { schema, name } = place.tables.nameOf(after);
  const view = qualified(schema, name);
  const what = kindOf(after);
  if (after.isMaterialized) await warnOfRights(place);
  if (before !== undefined) await rename(place, what, before, after);
  const isThere = await exists(place, schema, name);
  if (!isThere || (!after.isMaterialized && before?.definition !== after.definition)) {
    await ensureSchema(place.session, place.settings, schema, place.signal);
    await execute(place, view, createViewSql(view, after));
  } else if (before !== undefined) {
    for (const clause of optionClauses(before.options, after.options)) {
      await execute(place, view, /* sql */ `alter ${what} ${view} ${clause}`);
    }
  }
  await replayIndexes(place, view, schema, isThere ? before : undefined, after);
  if (isThere && isRefreshed) {
    const data = after.isFilled ? '' : ' with no data';
    await execute(place, view, /* sql */ `refresh materialized view ${view}${data}`);
  }
  await replayComment(place, `${what} ${view}`, before?.comment, after.comment);
}

export async function dropView(place: ReplayPlace, state: ViewState): Promise<void> {
  const { schema, name } = place.tables.nameOf(state);
  await execute(place, name, /* sql */ `drop ${kindOf(state)} if exists ${qualified(schema, name)}`);
}

/** Postgres restricts what a refresh may do to its session, not whose rights it has: those of the view's owner, and that is the sink. */
async function warnOfRights({ session, warn }: ReplayPlace): Promise<void> {
  const sql = /* sql */ `select from pg_catalog.pg_roles where rolname = current_user and rolsuper`;
  if ((await session.client.query(sql)).rowCount === 0) return;
  warn(
    'Queries of materialized views of the source run on the target with the rights of a superuser',
    'Let the sink connect as a role that is none, or take views out of ddl.replay, unless everybody who may create views at the source may do anything here.',
  );
}

/** Creates a function or procedure, or brings it to what it is at the source. */
export async function replayRoutine(
  place: ReplayPlace,
  before: RoutineState | undefined,
  after: RoutineState,
): Promise<void> {
  const what = after.isProcedure ? 'procedure' : 'function';
  if (!after.definition.startsWith(`CREATE OR REPLACE ${what.toUpperCase()} `)) {
    throw new OperatorError(`The definition of ${what} ${after.name} in the log is not one that Postgres prints`, {
      advice: 'Somebody else may write to the topic of schema changes: look at who has access to it.',
    });
  }
  const isMoved = before !== undefined && signature(before) !== signature(after);
  if (isMoved) await dropRoutine(place, before);
  await ensureSchema(place.session, place.settings, after.schema, place.signal);
  const { session, signal } = place;
  const doing = `Cannot prepare ${what} ${after.name} on the target`;
  // What its body names may come later, or is not replicated.
  await session.run(/* sql */ `set local check_function_bodies = off`, doing, signal);
  await execute(place, `${what} ${after.name}`, after.definition);
  await session.run(/* sql */ `set local check_function_bodies = on`, doing, signal);
  // It belongs to the sink's role here, whoever owns it at the source: nobody is to get that role's rights by calling it (Invariant 11).
  await execute(place, `${what} ${after.name}`, /* sql */ `alter ${what} ${signature(after)} security invoker`);
  if (isDefiner(after)) {
    place.warn(
      `${what === 'function' ? 'Function' : 'Procedure'} ${after.schema}.${after.name} is "security definer" at the source, and "security invoker" on the target`,
      'On the target it would run with the rights of the sink. Give it an owner and "security definer" by hand, if it is to have them there.',
    );
  }
  const old = isMoved ? undefined : before?.comment;
  await replayComment(place, `${what} ${signature(after)}`, old, after.comment);
}

export async function dropRoutine(place: ReplayPlace, state: RoutineState): Promise<void> {
  const what = state.isProcedure ? 'procedure' : 'function';
  await execute(place, `${what} ${state.name}`, /* sql */ `drop ${what} if exists ${signature(state)}`);
}

/** Only for a word about it: the line may also stand in a name. */
function isDefiner({ definition }: RoutineState): boolean {
  return /^ .*\bSECURITY DEFINER\b/m.test(definition.split(/^(?:AS |BEGIN ATOMIC|RETURN )/m)[0] ?? '');
}

function signature({ schema, name, arguments: types }: RoutineState): string {
  return `${qualified(schema, name)}(${types})`;
}

function kindOf({ isMaterialized }: ViewState): string {
  return isMaterialized ? 'materialized view' : 'view';
}

function createViewSql(name: string, { isMaterialized, isFilled, definition, options }: ViewState): string {
  const clause = options.length > 0 ? ` with (${options.map(optionSql).join(', ')})` : '';
  const text = definition.trim().replace(/;$/, '');
  if (!isMaterialized) return /* sql */ `create or replace view ${name}${clause} as ${text}`;
  return /* sql */ `create materialized view ${name}${clause} as ${text} with ${isFilled ? '' : 'no '}data`;
}

async function rename(place: ReplayPlace, what: string, before: ViewState, after: ViewState): Promise<void> {
  const [from, to] = [place.tables.nameOf(before), place.tables.nameOf(after)];
  if (from.schema === to.schema && from.name === to.name) return;
  if (!(await exists(place, from.schema, from.name)) || (await exists(place, to.schema, to.name))) return;
  if (from.schema !== to.schema) {
    await ensureSchema(place.session, place.settings, to.schema, place.signal);
    const sql = `alter ${what} ${qualified(from.schema, from.name)} set schema ${quoteIdentifier(to.schema)}`;
    await execute(place, from.name, sql);
  }
  if (from.name === to.name) return;
  const sql = `alter ${what} ${qualified(to.schema, from.name)} rename to ${quoteIdentifier(to.name)}`;
  await execute(place, from.name, sql);
}

/** Of a materialized view. */
async function replayIndexes(
  place: ReplayPlace,
  view: string,
  schema: string,
  before: ViewState | undefined,
  after: ViewState,
): Promise<void> {
  if (!place.settings.ddlReplay.includes('indexes')) return;
  const { gone, renamed, added } = planParts(before?.indexes ?? [], after.indexes, false);
  for (const { name } of gone) await execute(place, name, /* sql */ `drop index if exists ${qualified(schema, name)}`);
  for (const { from, to } of renamed) {
    const index = qualified(schema, from.name);
    await execute(place, from.name, /* sql */ `alter index if exists ${index} rename to ${quoteIdentifier(to.name)}`);
  }
  for (const index of added) {
    const { unique, method, rest } = readIndex(index);
    await assertSafe(place.session, rest, `Index ${index.name} on ${view}`);
    const head = `create ${unique ? 'unique ' : ''}index if not exists ${quoteIdentifier(index.name)} on ${view}`;
    await execute(place, index.name, `${head} using ${quoteIdentifier(method)} ${rest}`);
  }
}

async function exists({ session }: ReplayPlace, schema: string, name: string): Promise<boolean> {
  const { rowCount } = await session.client.query(
    /* sql */ `select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relname = $2 and c.relkind in ('v', 'm')`,
    [schema, name],
  );
  return (rowCount ?? 0) > 0;
}
