/** A value as SQL; a plain string is the text of a literal. */
export interface SqlValue {
  /** How the report calls it. */
  readonly label: string;
  readonly sql: string;
  /** First major version that knows it. */
  readonly since?: number;
}

/** One type and its edge values. */
export interface TypeCase {
  readonly type: string;
  readonly values: readonly (string | SqlValue)[];
  /** False for types of which no array is tested: arrays themselves, and values that are too large. */
  readonly arrays?: false;
  /** False where an index would be made that cannot be used. */
  readonly key?: false;
  /** The values are large: no key, no bulk, no table without key. */
  readonly large?: true;
  /** The type admits no NULL. */
  readonly required?: true;
  /** First major version that knows the type. */
  readonly since?: number;
  readonly extension?: string;
  /** Part of the fast subset. */
  readonly quick?: true;
}

/** A value given by an expression. */
export function sql(label: string, expression: string, since?: number): SqlValue {
  return { label, sql: expression, ...(since !== undefined && { since }) };
}

/** A literal that older servers do not take. */
export function since(version: number, text: string): SqlValue {
  return { label: text, sql: `'${text.replaceAll("'", "''")}'`, since: version };
}
