import type { Random } from '../../../src/torture/random.ts';

/** A type as columns declare it, and texts that it takes. */
export interface TypeSpec {
  readonly sql: string;
  readonly values: readonly string[];
  /** Texts of few different values, for keys that meet; absent when the type has no order. Several texts may be equal values. */
  readonly nth?: (n: number, random: Random) => string;
  /** The types that the product lets a column of this one become, values and all. */
  readonly widens?: readonly string[];
}

/** How many different values keys have. */
export const KEYS = 24;

/** A literal of the type; NULL when `text` is undefined. */
export function literal(type: TypeSpec, text: string | undefined): string {
  return text === undefined ? 'null' : `'${text.replaceAll("'", "''")}'::${type.sql}`;
}

/** A value for a key column. */
export function keyText(type: TypeSpec, random: Random): string {
  return type.nth === undefined ? random.pick(type.values) : type.nth(random.below(KEYS), random);
}

/** The array type over `type`: dimensions, lower bounds and NULLs. `delimiter` is a semicolon for boxes. */
export function arrayOf(type: TypeSpec, delimiter: string = ','): TypeSpec {
  const quoted = type.values.map((value) => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`);
  const [a = 'NULL', b = a] = quoted;
  return {
    sql: `${type.sql}[]`,
    values: [
      '{}',
      '{NULL}',
      `{${quoted.join(delimiter)}}`,
      `{${a}${delimiter}NULL${delimiter}${b}}`,
      `{{${a}${delimiter}${b}}${delimiter}{NULL${delimiter}${a}}}`,
      `[-1:0]={${b}${delimiter}${a}}`,
      `[2:2][0:1]={{${a}${delimiter}${a}}}`,
    ],
  };
}
