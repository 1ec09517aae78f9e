import type { TableSchema } from '../../../change/table-schema.ts';
import { OperatorError } from '../../../errors.ts';
import { isContained } from '../expression.ts';
import type { Session } from '../session.ts';
import { findUntrusted } from '../trusted-expressions.ts';

/** Words that stand before a parenthesis and are no function: syntax, and types with a modifier. */
const SYNTAX = new Set(
  `and or not in any all some array row case when then else end coalesce greatest least nullif cast extract position substring trim overlay
  is as check exclude using with where include unique distinct key between like ilike similar collate
  numeric decimal dec varying character char bpchar varchar bit time timestamp interval float`.split(/\s+/),
);

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
  { path = [], types = [] }: Surroundings = {},
): Promise<void> {
  const called = isContained(expression) ? calledBy(expression) : undefined;
  if (
    called !== undefined &&
    (called.length === 0 || (await areHarmless(session, called, path))) &&
    (await findUntrusted(session, expression, types)) === undefined
  ) {
    return;
  }
  throw new OperatorError(`${object} calls a function that the sink does not run on the word of the source`, {
    advice:
      'Do on the target by hand what was done at the source, then start the connector again: it goes on behind this statement.',
  });
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

/** Names of the functions that are called, undefined when one of them, or an operator, is somebody's own. */
function calledBy(expression: string): string[] | undefined {
  const tokens = tokensOf(expression);
  const called = new Set<string>();
  for (const [i, token] of tokens.entries()) {
    if (tokens[i + 1] !== '(' || !/^["A-Za-z_\u0080-\uffff]/.test(token)) continue;
    const isQuoted = token.startsWith('"');
    const name = isQuoted ? token.slice(1, -1).replaceAll('""', '"') : token.toLowerCase();
    if (name === 'operator') return undefined;
    const isQualified = tokens[i - 1] === '.';
    if (isQualified && tokens[i - 2]?.toLowerCase() !== 'pg_catalog') return undefined;
    if (isQualified || isQuoted || !SYNTAX.has(name)) called.add(name);
  }
  return [...called];
}

async function areHarmless(session: Session, called: readonly string[], path: readonly string[]): Promise<boolean> {
  if (called.some((name) => REACHING.test(name))) return false;
  const { rows } = await session.client.query<{ found: boolean; volatile: boolean; others: boolean }>(
    /* sql */ `select exists (select from pg_catalog.pg_proc p where p.proname = f.name and p.pronamespace = 'pg_catalog'::regnamespace) as found,
        exists (select from pg_catalog.pg_proc p where p.proname = f.name and p.pronamespace = 'pg_catalog'::regnamespace and p.provolatile = 'v') as volatile,
        exists (select from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
          where p.proname = f.name and n.nspname = any($2)) as others
      from unnest($1::text[]) f (name)`,
    [called, path],
  );
  return rows.every(({ found, volatile, others }) => found && !volatile && !others);
}

function tokensOf(text: string): string[] {
  return text.match(/'(?:[^']|'')*'|"(?:[^"]|"")*"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|[0-9][\w.]*|[^\s]/g) ?? [];
}
