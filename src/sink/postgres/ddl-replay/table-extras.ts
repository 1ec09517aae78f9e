import type { TableState } from '../../../change/ddl.ts';
import { OperatorError } from '../../../errors.ts';
import { quoteIdentifier, quoteLiteral } from '../../../postgres/identifier.ts';
import { replayComment } from './comments.ts';
import { execute, type ReplayPlace } from './place.ts';

/** What a table has besides columns and parts: storage options, replica identity, comments, and defaults that draw from a sequence. */
export async function replayExtras(
  place: ReplayPlace,
  name: string,
  before: TableState | undefined,
  after: TableState,
): Promise<void> {
  for (const clause of optionClauses(before?.options ?? [], after.options)) {
    await execute(place, name, /* sql */ `alter table ${name} ${clause}`);
  }
  await replayIdentity(place, name, before, after);
  await replayDrawnDefaults(place, name, before, after);
  await replayComment(place, `table ${name}`, before?.comment, after.comment);
  for (const { attnum, name: column } of after.table.columns) {
    const object = `column ${name}.${quoteIdentifier(column)}`;
    await replayComment(place, object, before?.comments[attnum], after.comments[attnum]);
  }
}

/** What brings storage options from what they were to what they are, behind ALTER TABLE or ALTER VIEW. */
export function optionClauses(before: readonly string[], after: readonly string[]): string[] {
  const gone = before.filter((old) => !after.some((option) => nameOf(option) === nameOf(old))).map(nameOf);
  const set = after.filter((option) => !before.includes(option)).map(optionSql);
  return [
    ...(gone.length > 0 ? [`reset (${gone.join(', ')})`] : []),
    ...(set.length > 0 ? [`set (${set.join(', ')})`] : []),
  ];
}

/** `name = 'value'`; names come through the log, and are words. */
export function optionSql(option: string): string {
  return `${nameOf(option)} = ${quoteLiteral(option.slice(option.indexOf('=') + 1))}`;
}

function nameOf(option: string): string {
  const name = option.slice(0, option.indexOf('='));
  if (/^[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)?$/.test(name)) return name;
  throw new OperatorError('The log has a storage option that Postgres does not know', {
    advice: 'Somebody else may write to the topic of schema changes: look at who has access to it.',
  });
}

/** It matters where the replica is a source itself. */
async function replayIdentity(
  place: ReplayPlace,
  name: string,
  before: TableState | undefined,
  after: TableState,
): Promise<void> {
  const { identity } = after.table;
  if ((before?.table.identity ?? 'default') === identity && before?.identityIndex === after.identityIndex) return;
  if (identity === 'index' && !(await hasIndex(place, name, after.identityIndex ?? ''))) return;
  const what = identity === 'index' ? `using index ${quoteIdentifier(after.identityIndex ?? '')}` : identity;
  await execute(place, name, /* sql */ `alter table ${name} replica identity ${what}`);
}

/** Indexes are not replayed in every case. */
async function hasIndex({ session }: ReplayPlace, table: string, index: string): Promise<boolean> {
  const { rowCount } = await session.client.query(
    /* sql */ `select from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
      where i.indrelid = $1::text::regclass and x.relname = $2 and i.indisunique and i.indimmediate and i.indpred is null`,
    [table, index],
  );
  return (rowCount ?? 0) > 0;
}

const DRAWN = /^nextval\('((?:[^']|'')+)'::regclass\)$/;

/** A column that draws from a sequence of the target does so as at the source: it matters once the replica is written to. */
async function replayDrawnDefaults(
  place: ReplayPlace,
  name: string,
  before: TableState | undefined,
  after: TableState,
): Promise<void> {
  if (!place.settings.ddlReplay.includes('sequences')) return;
  for (const { attnum, name: column, default: expression = '' } of after.table.columns) {
    const sequence = DRAWN.exec(expression)?.[1]?.replaceAll("''", "'");
    const old = before?.table.columns.find((each) => each.attnum === attnum);
    if (sequence === undefined || old?.default === expression) continue;
    const { rows } = await place.session.client.query<{ name: string }>(
      /* sql */ `select c.oid::regclass::text as name from pg_catalog.pg_class c where c.oid = to_regclass($1) and c.relkind = 'S'`,
      [sequence],
    );
    if (rows[0] === undefined) continue; // it comes with the sequence
    const value = `nextval(${quoteLiteral(rows[0].name)}::regclass)`;
    await execute(
      place,
      name,
      /* sql */ `alter table ${name} alter column ${quoteIdentifier(column)} set default ${value}`,
    );
  }
}
