/** A table as a statement may name it. */
export interface NamedTable {
  readonly schema: string;
  readonly name: string;
}

interface Token {
  readonly text: string;
  /** As the server reads it: folded to lower case unless quoted. */
  readonly word: string | undefined;
  readonly isQuoted: boolean;
  readonly start: number;
  readonly end: number;
}

const TOKEN =
  /\s+|--[^\n]*|\/\*|[eE]'(?:[^'\\]|\\[\s\S]|'')*'|(?:[uU]&)?'(?:[^']|'')*'|"(?:[^"]|"")*"|\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|[0-9][\w.]*|[\s\S]/y;

/**
 * The expressions by which the ALTER TABLE in a command string converts columns of one of the tables: null where it says none. A column that no
 * statement, or more than one, gives a new type to is missing: then nobody can tell.
 */
export function conversionsOf(command: string, tables: readonly NamedTable[]): Record<string, string | null> {
  const found = new Map<string, string | null>();
  const doubtful = new Set<string>();
  for (const statement of split(tokensOf(command), ';')) {
    const actions = actionsOf(statement, tables);
    for (const action of split(actions, ',')) {
      const conversion = conversionOf(command, action);
      if (conversion === undefined) continue;
      if (found.has(conversion.column)) doubtful.add(conversion.column);
      found.set(conversion.column, conversion.using);
    }
  }
  for (const column of doubtful) found.delete(column);
  return Object.fromEntries(found);
}

/** The tokens behind `alter table <one of ours>`; none for another statement. */
function actionsOf(statement: readonly Token[], tables: readonly NamedTable[]): readonly Token[] {
  let at = 0;
  const skip = (...words: string[]): boolean => {
    if (!words.every((word, i) => isWord(statement[at + i], word))) return false;
    at += words.length;
    return true;
  };
  if (!skip('alter', 'table')) return [];
  skip('if', 'exists');
  skip('only');
  const parts = [nameAt(statement, at++)];
  if (statement[at]?.text === '.') {
    parts.push(nameAt(statement, at + 1));
    at += 2;
  }
  if (statement[at]?.text === '*') at++;
  const [name, schema] = parts.toReversed();
  const isOurs = tables.some((table) => table.name === name && (schema === undefined || schema === table.schema));
  return isOurs ? statement.slice(at) : [];
}

function conversionOf(
  command: string,
  action: readonly Token[],
): { readonly column: string; readonly using: string | null } | undefined {
  let at = 0;
  if (!isWord(action[at++], 'alter')) return undefined;
  if (isWord(action[at], 'column')) at++;
  const column = nameAt(action, at++);
  if (isWord(action[at], 'set') && isWord(action[at + 1], 'data')) at += 2;
  if (column === undefined || !isWord(action[at++], 'type')) return undefined;
  let depth = 0;
  for (const [i, token] of action.entries()) {
    depth += depthOf(token);
    if (i < at || depth > 0 || !isWord(token, 'using')) continue;
    return { column, using: command.slice(token.end, action.at(-1)?.end).trim() };
  }
  return { column, using: null };
}

function isWord(token: Token | undefined, word: string): boolean {
  return token !== undefined && !token.isQuoted && token.word === word;
}

function nameAt(tokens: readonly Token[], at: number): string | undefined {
  return tokens[at]?.word;
}

function depthOf({ text }: Token): number {
  return text === '(' || text === '[' ? 1 : text === ')' || text === ']' ? -1 : 0;
}

/** Cuts at a separator outside of all parentheses. */
function split(tokens: readonly Token[], separator: string): Token[][] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    depth += depthOf(token);
    if (depth === 0 && token.text === separator) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

/** Everything but white space and comments; a dollar-quoted text is one token. */
function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; ) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text) as RegExpExecArray;
    const start = at;
    at = TOKEN.lastIndex;
    if (match[0] === '/*') {
      at = commentEnd(text, at);
      continue;
    }
    if (/^(?:\s|--)/.test(match[0])) continue;
    if (/^\$.*\$$/.test(match[0])) {
      const closing = text.indexOf(match[0], at);
      at = closing < 0 ? text.length : closing + match[0].length;
    }
    tokens.push(tokenOf(text.slice(start, at), start, at));
  }
  return tokens;
}

function tokenOf(text: string, start: number, end: number): Token {
  const isQuoted = text.length > 1 && text.startsWith('"');
  if (isQuoted) return { text, word: text.slice(1, -1).replaceAll('""', '"'), isQuoted, start, end };
  // The server folds ASCII letters only, in a database of several bytes per character.
  const isName = /^[A-Za-z_\u0080-\uffff]/.test(text) && !text.endsWith("'");
  return { text, word: isName ? text.replaceAll(/[A-Z]/g, (c) => c.toLowerCase()) : undefined, isQuoted, start, end };
}

function commentEnd(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    const two = text.slice(at, at + 2);
    if (two !== '/*' && two !== '*/') continue;
    depth += two === '/*' ? 1 : -1;
    at++;
    if (depth === 0) return at + 1;
  }
  return text.length;
}
