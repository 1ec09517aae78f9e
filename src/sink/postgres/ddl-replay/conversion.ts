import type { DdlChange } from '../../../change/ddl.ts';
import type { TableSchema } from '../../../change/table-schema.ts';
import { OperatorError } from '../../../errors.ts';
import { PINNED } from '../../../postgres/connect.ts';
import { quoteIdentifier, quoteLiteral } from '../../../postgres/identifier.ts';
import type { ReplayPlace } from './place.ts';
import { assertSafe, typesIn } from './safe.ts';

/** What the source's session may have set, and a conversion depends on. */
const SETTINGS = ['TimeZone', 'DateStyle', 'IntervalStyle', 'extra_float_digits', 'bytea_output', 'xmloption'];

/** What tells the moment, or who and where one is: it has another value on the target. */
const FLEETING =
  /\b(?:now|age|version|(?:transaction|statement)_timestamp)\s*\(|\b(?:current_(?:catalog|date|role|schema|time|timestamp|user)|localtime(?:stamp)?|session_user|system_user|user)\b|'\s*(?:now|today|tomorrow|yesterday)\b/i;

/**
 * Runs what converts values with the settings of the session that converted them at the source: texts, dates and names of types mean the same then.
 * Names are looked for in pg_catalog first. Throws OperatorError for an expression that is not safe.
 */
export async function withConversions(
  { session, ddl, signal }: ReplayPlace,
  name: string,
  conversions: DdlChange['conversions'],
  table: TableSchema,
  run: () => Promise<void>,
): Promise<void> {
  if (conversions === undefined) return await run();
  const path = searchPath(ddl.session);
  for (const [column, expression] of Object.entries(conversions)) {
    if (expression === null) continue;
    const object = `The conversion of column "${column}" of table ${name}`;
    await assertSafe(session, expression, object, { path, ...typesIn(table) });
    if (FLEETING.test(expression.replaceAll(/"(?:[^"]|"")*"/g, '""'))) {
      throw new OperatorError(`${object} took values that only the source knows: the time, or its session`, {
        advice: 'Convert the column on the target by hand to the values of the source, or copy the table anew.',
      });
    }
  }
  const wanted: [string, string][] = SETTINGS.flatMap((setting) => {
    const value = ddl.session[setting];
    return value === undefined ? [] : [[setting, value]];
  });
  const there = ['pg_catalog', ...path, 'pg_temp'].map(quoteIdentifier).join(', ');
  const set = (values: readonly (readonly [string, string])[]): string =>
    values
      .map(
        ([setting, value]) =>
          /* sql */ `select pg_catalog.set_config(${quoteLiteral(setting)}, ${quoteLiteral(value)}, true);`,
      )
      .join('');
  const doing = `Cannot prepare the conversion of table ${name} on the target`;
  await session.run(set([...wanted, ['search_path', there]]), doing, signal);
  await run();
  // Back to what every session has (Invariant 10).
  const pinned = [...SETTINGS, 'search_path'].map((setting) => [setting, PINNED[setting] ?? 'content'] as const);
  await session.run(set(pinned), doing, signal);
}

/** The schemas of a search_path setting, as the session of that role saw them. */
export function searchPath(session: Readonly<Record<string, string>>): string[] {
  const names = (session.search_path ?? '').match(/"(?:[^"]|"")*"|[^\s,"]+/g) ?? [];
  return names
    .map((name) => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase()))
    .map((name) => (name === '$user' ? (session.session_user ?? '') : name))
    .filter((name) => name !== '' && name !== 'pg_catalog' && !name.startsWith('pg_temp'));
}
