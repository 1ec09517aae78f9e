/** An SQL identifier in quotes; the only way by which a name from outside reaches SQL (Invariant 11). */
export function quoteIdentifier(name: string): string {
  if (name.includes('\0')) throw new Error('An identifier holds a zero byte');
  return `"${name.replaceAll('"', '""')}"`;
}

/** An SQL string literal, for the commands that take no parameters. */
export function quoteLiteral(text: string): string {
  if (text.includes('\0')) throw new Error('A literal holds a zero byte');
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

/** `"schema"."name"`. */
export function qualified(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}
