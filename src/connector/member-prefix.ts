/** Members whose names begin with a word, so that they stand beside others of the same kind. */
export type Prefixed<P extends string, T> = { readonly [K in keyof T & string as `${P}${Capitalize<K>}`]: T[K] };

/** The same settings, or values, by members that begin with a word: `truststoreLocation` as `registryTruststoreLocation`. */
export function withPrefix<P extends string, T extends object>(prefix: P, members: T): Prefixed<P, T> {
  const renamed = Object.entries(members).map(([name, each]) => [prefixed(prefix, name), each]);
  return Object.fromEntries(renamed) as Prefixed<P, T>;
}

/** What stands under members that begin with a word, by their own names. */
export function withoutPrefix<P extends string, T extends object>(
  prefix: P,
  members: readonly (keyof T & string)[],
  from: Prefixed<P, T>,
): T {
  const all = from as unknown as Readonly<Record<string, unknown>>;
  return Object.fromEntries(members.map((name) => [name, all[prefixed(prefix, name)]])) as T;
}

function prefixed(prefix: string, name: string): string {
  return `${prefix}${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
}
