const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

/**
 * The entries of a Java properties file: `key=value`, `key: value` or `key value`, `#` and `!` begin comments, a backslash at the end of a
 * line continues it, and `\uXXXX`, `\t`, `\n`, `\r`, `\f` stand for characters. The last of equal keys counts.
 * @see https://docs.oracle.com/javase/8/docs/api/java/util/Properties.html#load-java.io.Reader-
 */
export function parseProperties(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>();
  for (const line of logicalLines(text)) {
    const [, key = '', value = ''] = /^((?:\\.|[^\\\s=:])*)[ \t\f]*[=:]?[ \t\f]*(.*)$/su.exec(line) ?? [];
    properties.set(unescape(key), unescape(value));
  }
  return properties;
}

/** Lines joined where a backslash (one that is not itself escaped) ends them, without comments and blank lines. */
function logicalLines(text: string): readonly string[] {
  const lines: string[] = [];
  let begun: string | undefined;
  for (const natural of text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)) {
    const line = natural.replace(/^[ \t\f]+/, '');
    if (begun === undefined && /^([#!]|$)/.test(line)) continue;
    const goesOn = (/\\*$/.exec(line)?.[0].length ?? 0) % 2 === 1;
    begun = (begun ?? '') + (goesOn ? line.slice(0, -1) : line);
    if (goesOn) continue;
    lines.push(begun);
    begun = undefined;
  }
  return begun === undefined ? lines : [...lines, begun];
}

function unescape(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gsu, (_, code: string | undefined, char: string) =>
    code === undefined ? (ESCAPES[char] ?? char) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}
