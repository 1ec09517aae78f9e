const NUMBER = String.raw`-?\d+(\.\d+)?([eE][+-]?\d+)?`;
/** Sessions of ours have standard_conforming_strings on: a backslash is one. */
const STRING = String.raw`'(?:[^']|'')*'`;
const NAME = String.raw`(?:[A-Za-z_]\w*|"[^"\\]+")`;
/** Postgres's own types of several words, else a name: a word more would be a clause of the column. */
const FIELDS = 'interval (?:year|month|day|hour|minute|second)(?: to (?:month|hour|minute|second))?';
const TYPE = String.raw`(?:${FIELDS}|character varying|bit varying|double precision|(?:timestamp|time)(?:\(\d\))? with(?:out)? time zone|${NAME}(?:\.${NAME})?)`;
const CAST = String.raw`(?:::${TYPE}(?:\(\d+(?:, ?-?\d+)?\))?(?:\[\])*)`;
const CONSTANT = new RegExp(String.raw`^(?:\(?${NUMBER}\)?|${STRING}|true|false|NULL)${CAST}*$`);
const HARMLESS =
  /^(?:now\(\)|CURRENT_(?:TIMESTAMP|DATE|TIME|USER)|LOCALTIME(?:STAMP)?|(?:pg_catalog\.)?gen_random_uuid\(\)|random\(\)|clock_timestamp\(\))$/;

/** A default that means the same on every server and every day: the value of rows that were there before the column. */
export function isConstantDefault(expression: string): boolean {
  return CONSTANT.test(expression);
}

/** The constant that is no value. */
export function isNullDefault(expression: string): boolean {
  return isConstantDefault(expression) && expression.startsWith('NULL');
}

/** A default that may be set on the target: constants and a few functions of Postgres itself; no sequence, nothing of a user. */
export function isSimpleDefault(expression: string): boolean {
  return isConstantDefault(expression) || HARMLESS.test(expression);
}

/**
 * Whether the text is one expression that cannot leave the parentheses around it: balanced, no semicolon, no comment.
 * It came through the log, and the log is not trusted to write SQL.
 */
export function isContained(expression: string): boolean {
  let depth = 0;
  for (let i = 0; i < expression.length; i++) {
    const c = expression[i];
    if (c === "'" || c === '"') {
      const before = expression.slice(Math.max(0, i - 2), i);
      if ((c === "'" ? /[eEuU&]$/ : /[uU]&$/).test(before)) return false; // a backslash would mean something
      const end = closingQuote(expression, i, c);
      if (end < 0) return false;
      i = end;
    } else if (c === '(' || c === '[') depth++;
    else if (c === ')' || c === ']') {
      if (--depth < 0) return false;
    } else if (c === ';' || c === '$' || c === '\\' || c === '\0') return false;
    else if ((c === '-' && expression[i + 1] === '-') || (c === '/' && expression[i + 1] === '*')) return false;
  }
  return depth === 0 && expression.trim() !== '';
}

/** The place of the quote that ends what starts at `from`; a doubled quote does not. -1 when there is none. */
function closingQuote(text: string, from: number, quote: string): number {
  for (let i = from + 1; i < text.length; i++) {
    if (text[i] !== quote) continue;
    if (text[i + 1] !== quote) return i;
    i++;
  }
  return -1;
}
