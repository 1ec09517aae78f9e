import type { SettingsOf } from './setting.ts';

/** Everything that can be said about a kind of connector without running it. Declared once, as data. */
export interface ConnectorClass<T> {
  readonly name: string;
  readonly kind: 'source' | 'sink';
  readonly doc: string;
  readonly settings: SettingsOf<T>;
  /** Other products' class names that mean this one, each with the defaults that differ under that name. */
  readonly aliases: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Other names of settings, by the name that replaced them. */
  readonly renamed: Readonly<Record<string, string>>;
  /** Keys that are known and change nothing here, with the reason. A key that ends in `*` is a prefix. */
  readonly ignored: Readonly<Record<string, string>>;
  /** Keys whose effect would be missed: a file that has one is refused, with the reason. A key that ends in `*` is a prefix. */
  readonly unsupported: Readonly<Record<string, string>>;
  /** Values with which such a key changes nothing, so that it may stay. */
  readonly harmless: Readonly<Record<string, string>>;
  /** Rules over several settings: what is wrong, and what deserves a warning. `given` holds the keys that the file has. */
  check(
    config: T,
    given: ReadonlySet<string>,
  ): { readonly problems: readonly string[]; readonly warnings: readonly string[] };
}

/** The reason that a table of keys gives for `key`, exactly or by a prefix. */
export function reasonFor(key: string, table: Readonly<Record<string, string>>): string | undefined {
  if (Object.hasOwn(table, key)) return table[key];
  const prefix = Object.keys(table).find((each) => each.endsWith('*') && key.startsWith(each.slice(0, -1)));
  return prefix === undefined ? undefined : table[prefix];
}
