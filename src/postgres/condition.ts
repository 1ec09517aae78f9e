/** Words that would end an expression and begin another clause of the statement around it. */
const CLAUSES: ReadonlySet<string> = new Set(
  'group having order limit offset fetch for union intersect except window into returning where'.split(' '),
);

/** One token at a time, cut as the server's lexer cuts them: to it whatever is not ASCII belongs to a word. */
const TOKEN =
  /(?<skip>[ \t\n\r\f\v]+)|(?<text>[eE]'(?:[^'\\]|\\[^]|'')*'|'(?:[^']|'')*')|(?<name>"(?:[^"]|"")+")|(?<comment>--|\/\*)|(?<word>[A-Za-z_\u0080-\u{10ffff}][A-Za-z0-9_$\u0080-\u{10ffff}]*)|(?<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)|(?<other>[^])/uy;

/** What may not stand right behind a word or a number, where versions of the server read on in different ways. */
const JUNK = /^['A-Za-z_$\u0080-\u{10ffff}]/u;

/**
 * What is wrong with a text that is to be one SQL condition, as the end of a sentence that begins with its name; undefined when its form is
 * right, so that inside of parentheses it can be nothing but an expression. What it means is the server's to judge. Literals are read with
 * standard_conforming_strings on, as every session of ours has it (Invariant 10).
 */
export function conditionProblem(text: string): string | undefined {
  const open: string[] = [];
  let last = '';
  TOKEN.lastIndex = 0;
  for (let token = TOKEN.exec(text); token !== null; token = TOKEN.exec(text)) {
    const { skip, word, other, ...rest } = token.groups as Readonly<Record<string, string | undefined>>;
    if (skip !== undefined) continue;
    const kind = Object.keys(rest).find((each) => rest[each] !== undefined) ?? '';
    const next = text.slice(TOKEN.lastIndex, TOKEN.lastIndex + 2);
    const problem =
      (other === undefined ? clauseProblem(word, open.length) : signProblem(other, open)) ??
      kindProblem(kind, last, word, next);
    if (problem !== undefined) return problem;
    last = word === undefined && other === undefined ? kind : 'word';
  }
  if (open.length > 0) return `has ${open.at(-1) === ')' ? 'a parenthesis' : 'a bracket'} that is not closed`;
  return last === '' ? 'must not be empty' : undefined;
}

function kindProblem(kind: string, last: string, word: string | undefined, next: string): string | undefined {
  if (kind === 'comment') return 'must not hold a comment';
  // The second part of a text is read as the first one was, with or without backslashes.
  if (kind === 'text' && last === 'text') return 'must not hold a text in two parts';
  if (kind === 'number' && JUNK.test(next)) return 'has a number with letters behind it';
  return word?.toLowerCase() === 'e' && next.startsWith("'") ? 'has a quote that is not closed' : undefined;
}

function clauseProblem(word: string | undefined, depth: number): string | undefined {
  if (word === undefined || depth > 0 || !CLAUSES.has(word.toLowerCase())) return undefined;
  return `must be one condition, without ${word.toUpperCase()}`;
}

/** Judges a character that stands alone; `open` has the closing ones that are still to come. */
function signProblem(sign: string, open: string[]): string | undefined {
  switch (sign) {
    case '(':
      open.push(')');
      return undefined;
    case '[':
      open.push(']');
      return undefined;
    case ')':
    case ']':
      return open.pop() === sign ? undefined : `has a "${sign}" too many`;
    case ',':
      return open.length > 0 ? undefined : 'must be one condition, not a list';
    case ';':
      return 'must not hold a semicolon';
    case '$':
      return 'must not hold a parameter or a text in dollar quotes';
    case "'":
    case '"':
      return 'has a quote that is not closed';
    case '\0':
      return 'must not hold a zero byte';
    default:
      return undefined;
  }
}

/** The pieces of `select * from <table> where <condition>`. */
const SELECT =
  /^\s*select\s+(?<columns>[^]*?)\s+from\s+(?:only\s+)?(?<table>(?:"(?:[^"]|"")+"|[^\s".]+)(?:\s*\.\s*(?:"(?:[^"]|"")+"|[^\s".]+))*)(?:\s+where\s(?<condition>[^]*?))?\s*;?\s*$/iu;

/** A condition that was found, or what is wrong with the text that was to have one. */
export type Condition = { readonly condition: string | undefined } | { readonly problem: string };

/**
 * The condition of a text `select * from <table> where <condition>` about the table `name` (`schema.table`); undefined when it has none.
 * Any other statement is a problem: what it selects would not be the table's rows.
 */
export function conditionOfSelect(text: string, name: string): Condition {
  const found = SELECT.exec(text)?.groups as Readonly<Record<string, string | undefined>> | undefined;
  if (found === undefined || found.columns?.trim() !== '*') {
    return { problem: 'must be SELECT * FROM the table WHERE a condition: other forms are not supported' };
  }
  if (nameOf(found.table as string) !== name) return { problem: `must select from table ${name}` };
  const condition = found.condition?.trim();
  if (condition === undefined) return { condition };
  const problem = conditionProblem(condition);
  return problem === undefined ? { condition } : { problem };
}

/** A name as it is spelt in SQL, as `schema.table`. */
function nameOf(sql: string): string {
  const parts = sql.match(/"(?:[^"]|"")+"|[^\s".]+/gu) ?? [];
  return parts
    .map((part) => (part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part.toLowerCase()))
    .join('.');
}
