import type { Files } from './read-tls.ts';
import type { Setting, SettingsOf } from './setting.ts';

/** What the settings amount to together. `config` is undefined when there are problems. */
export interface Completed<C> {
  readonly config: C | undefined;
  /** Each begins with the key that it is about, and never holds the value of a secret. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** Secrets that were found inside of values: the password of a URL, of a login module. */
  readonly secrets: readonly string[];
}

/** A set of settings and all that can be said about it without using it, declared once, as data; of `C`, what they amount to. */
export interface AnyDeclaration<C = unknown> {
  readonly name: string;
  readonly doc: string;
  readonly settings: Readonly<Record<string, Setting<unknown>>>;
  /** Other products' class names that mean this one, each with the defaults that differ under that name. */
  readonly aliases: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** By such a class name: settings that do not have its default, with what is done instead; warned about where a file does not say them. */
  readonly instead?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Other names of settings, by the name that replaced them. Given together they must agree. */
  readonly renamed: Readonly<Record<string, string>>;
  /** Keys that are known and change nothing here, with the reason. A key that ends in `*` is a prefix. */
  readonly ignored: Readonly<Record<string, string>>;
  /** Keys whose effect would be missed: a file that has one is refused, with the reason. A key that ends in `*` is a prefix. */
  readonly unsupported: Readonly<Record<string, string>>;
  /** Values with which such a key says what is the case anyway, so that it may stay. */
  readonly harmless: Readonly<Record<string, readonly string[]>>;
  /** Puts the settings together and holds rules over several of them. `given` holds the keys that the file has. */
  complete(settings: never, given: ReadonlySet<string>, files: Files): Completed<C>;
}

/** A declaration that is checked against the type of its settings, `S`. */
export interface Declaration<S, C = S> extends Omit<AnyDeclaration<C>, 'settings' | 'complete'> {
  readonly settings: SettingsOf<S>;
  complete(settings: S, given: ReadonlySet<string>, files: Files): Completed<C>;
}

/** What every kind of connector says of itself. */
export interface AnyConnectorClass extends AnyDeclaration {
  readonly kind: 'source' | 'sink';
}

/** A kind of connector. */
export interface ConnectorClass<S, C = S> extends Declaration<S, C> {
  readonly kind: 'source' | 'sink';
}

/** The name of the setting that a key means: its own, unless it is an older one. Keys come from files: `constructor` is one like others. */
export function currentName(key: string, { renamed }: Pick<AnyDeclaration, 'renamed'>): string {
  return own(renamed, key) ?? key;
}

/** What a table has under the key itself, and not by inheritance. */
export function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** The reason that a table of keys gives for `key`, exactly or by a prefix. */
export function reasonFor(key: string, table: Readonly<Record<string, string>>): string | undefined {
  if (Object.hasOwn(table, key)) return table[key];
  const prefix = Object.keys(table).find((each) => each.endsWith('*') && key.startsWith(each.slice(0, -1)));
  return prefix === undefined ? undefined : table[prefix];
}
