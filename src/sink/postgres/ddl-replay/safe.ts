import type { TableSchema } from '../../../change/table-schema.ts';
import { OperatorError } from '../../../errors.ts';
import { isContained } from '../../../postgres/expression.ts';
import type { Session } from '../session.ts';
import { findUntrusted } from '../trusted-expressions.ts';

/** Words that stand before a parenthesis and cannot be the name of a function without quotes: syntax, and types with a modifier. */
const SYNTAX = new Set(
  `and or not in any all some array row case when then else end coalesce greatest least nullif cast extract position substring trim overlay
  is as check using with where unique distinct between like ilike similar collate
  numeric decimal dec character char varchar bit time timestamp interval float`.split(/\s+/),
);

/** Syntax as well, but a function may be called so. */
const PERHAPS_SYNTAX = new Set(['is', 'like', 'ilike', 'similar', 'include', 'exclude', 'key', 'varying']);

/** Functions of Postgres that run SQL which a value holds, or tell of the server. */
const REACHING = /xml|^(?:pg_|has_|ts_|current_setting$|inet_|txid_)/;

/** What an expression is surrounded by. */
export interface Surroundings {
  /** Schemas in which the source looked for functions. */
  readonly path?: readonly string[];
  /** Types of the columns that it may name: one of them may have a cast that somebody has made. */
  readonly types?: readonly string[];
}

/** The types of a table's columns. */
export function typesIn({ columns }: Pick<TableSchema, 'columns'>): { readonly types: readonly string[] } {
  return { types: columns.map(({ type }) => type.declared) };
}

/**
 * Throws OperatorError unless the expression is one expression and calls nothing but functions of Postgres itself that change nothing. Its text was
 * written by somebody who may create tables at the source: on the target it would run with the sink's rights (Invariant 11).
 */
export async function assertSafe(
  session: Session,
  expression: string,
  object: string,
  surroundings: Surroundings = {},
): Promise<void> {
  if (await isSafe(session, expression, surroundings)) return;
  throw new OperatorError(`${object} calls a function that the sink does not run on the word of the source`, {
    advice:
      'Do on the target by hand what was done at the source, then start the connector again: it goes on behind this statement.',
  });
}

/** Whether `assertSafe` would let the expression pass. */
export async function isSafe(
  session: Session,
  expression: string,
  { path = [], types = [] }: Surroundings = {},
): Promise<boolean> {
  const called = isContained(expression) ? calledBy(expression) : undefined;
  return (
    called !== undefined &&
    (await areHarmless(session, called, path)) &&
    (path.length === 0 || (await isPathTrusted(session, path))) &&
    (await findUntrusted(session, expression, types)) === undefined
  );
}

/** Whether the text holds a comma outside of parentheses: then it would be more than one clause. */
export function hasLooseComma(text: string): boolean {
  let depth = 0;
  for (const token of tokensOf(text)) {
    if (token === '(' || token === '[') depth++;
    else if (token === ')' || token === ']') depth--;
    else if (token === ',' && depth === 0) return true;
  }
  return false;
}

/** The functions that an expression calls, or may call. */
interface Called {
  readonly surely: readonly string[];
  /** Names behind a dot: of columns, but `(v).lower` calls a function as well, when there is no such column. */
  readonly perhaps: readonly string[];
}

/** Names of the functions that are called, undefined when one of them, or an operator, is somebody's own. */
function calledBy(expression: string): Called | undefined {
  const tokens = tokensOf(expression);
  const surely = new Set<string>();
  const perhaps = new Set<string>();
  for (const [i, token] of tokens.entries()) {
    if (!/^["A-Za-z_\u0080-\uffff]/.test(token)) continue;
    const isQuoted = token.startsWith('"');
    // The server folds ASCII letters only; others that JavaScript folds to ASCII are another name.
    const name = isQuoted
      ? token.slice(1, -1).replaceAll('""', '"')
      : token.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
    const isQualified = tokens[i - 1] === '.';
    if (tokens[i + 1] !== '(') {
      if (isQualified) perhaps.add(name);
      continue;
    }
    if (name === 'operator') return undefined;
    if (isQualified && tokens[i - 2]?.toLowerCase() !== 'pg_catalog') return undefined;
    const isWord = !isQualified && !isQuoted;
    if (isWord && PERHAPS_SYNTAX.has(name)) perhaps.add(name);
    else if (!isWord || !SYNTAX.has(name)) surely.add(name);
  }
  return { surely: [...surely], perhaps: [...perhaps] };
}

/**
 * Names without a schema are looked for in these as well: nothing that an ordinary user of the target has made may stand behind an operator or a
 * cast (which LIKE, IN and CASE call without naming it), or check the values of a domain.
 */
async function isPathTrusted(session: Session, path: readonly string[]): Promise<boolean> {
  const { rowCount } = await session.client.query(
    /* sql */ `select from pg_catalog.pg_proc p join pg_catalog.pg_roles r on r.oid = p.proowner
      where not r.rolsuper and r.rolname <> current_user and (
        exists (select from pg_catalog.pg_operator o join pg_catalog.pg_namespace n on n.oid = o.oprnamespace where o.oprcode = p.oid and n.nspname = any($1))
        or exists (select from pg_catalog.pg_cast c where c.castfunc = p.oid)
        or exists (select from pg_catalog.pg_constraint k join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_constraint'::regclass and d.objid = k.oid
          where k.contypid <> 0 and d.refclassid = 'pg_catalog.pg_proc'::regclass and d.refobjid = p.oid))
      limit 1`,
    [path],
  );
  return rowCount === 0;
}

async function areHarmless(session: Session, { surely, perhaps }: Called, path: readonly string[]): Promise<boolean> {
  const called = [...surely, ...perhaps];
  if (called.length === 0) return true;
  const { rows } = await session.client.query<{ name: string; found: boolean; volatile: boolean; others: boolean }>(
    /* sql */ `select f.name, exists (select from pg_catalog.pg_proc p where p.proname = f.name and p.pronamespace = 'pg_catalog'::regnamespace) as found,
        exists (select from pg_catalog.pg_proc p where p.proname = f.name and p.pronamespace = 'pg_catalog'::regnamespace and p.provolatile = 'v') as volatile,
        exists (select from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
          where p.proname = f.name and n.nspname = any($2)) as others
      from unnest($1::text[]) f (name)`,
    [called, path],
  );
  return rows.every(({ name, found, volatile, others }) => {
    if (!found && !others && !surely.includes(name)) return true; // it is no function
    return found && !volatile && !others && !REACHING.test(name);
  });
}

function tokensOf(text: string): string[] {
  return text.match(/'(?:[^']|'')*'|"(?:[^"]|"")*"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|[0-9][\w.]*|[^\s]/g) ?? [];
}
