import { OperatorError } from '../errors.ts';
import { type AnyDeclaration, own } from './connector-class.ts';
import { type Environment, hasReference, type Resolved, resolveReferences } from './reference.ts';
import { secretsIn } from './secret.ts';
import type { Setting } from './setting.ts';

/** A config as files have it: flat texts. */
export type RawConfig = Readonly<Record<string, string>>;

/** Where the value of a setting comes from. `alias`: the default that another product's class name brings. */
export type Origin = 'given' | 'alias' | 'default' | 'absent';

/** One setting as a raw config has it. */
export interface ReadSetting {
  readonly setting: Setting<unknown>;
  /** The member of the typed config. */
  readonly member: string;
  /** The key under which it was given: the setting's, or an older name. */
  readonly givenAs: string | undefined;
  /** As written or as the default has it, references unresolved; undefined when there is neither. */
  readonly text: string | undefined;
  readonly origin: Origin;
  readonly value: unknown;
  /** What is wrong, without the key in front. */
  readonly problem: string | undefined;
  readonly secrets: readonly string[];
}

/** The settings of a declaration in their order, with their keys. */
export function settingsOf(declaration: AnyDeclaration): readonly (readonly [string, Setting<unknown>])[] {
  return Object.entries(declaration.settings) as [string, Setting<unknown>][];
}

/**
 * Reads every setting, whatever is wrong with the others. Without `env` references are not resolved: a setting that has one is
 * taken for right, and its value is undefined.
 */
export function readSettings(
  declaration: AnyDeclaration,
  raw: RawConfig,
  env: Environment | undefined,
): readonly ReadSetting[] {
  const defaults = own(declaration.aliases, raw['connector.class'] ?? '') ?? {};
  return settingsOf(declaration).map(([member, setting]) => {
    const [givenAs, given] = setting.key.endsWith('*')
      ? below(setting, declaration, raw)
      : named(setting, declaration, raw);
    const text = given ?? defaults[setting.key] ?? setting.default;
    const origin = originOf(given, defaults[setting.key], text);
    try {
      return { setting, member, givenAs, text, origin, problem: undefined, ...valueOf(setting, text, env) };
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      const found = { value: undefined, problem: error.message, secrets: [] };
      return { setting, member, givenAs, text, origin, ...found };
    }
  });
}

function originOf(given: string | undefined, aliasDefault: string | undefined, text: string | undefined): Origin {
  if (given !== undefined) return 'given';
  if (aliasDefault !== undefined) return 'alias';
  return text === undefined ? 'absent' : 'default';
}

function valueOf(
  setting: Setting<unknown>,
  text: string | undefined,
  env: Environment | undefined,
): Pick<ReadSetting, 'value' | 'secrets'> {
  if (text === undefined) {
    if (setting.required) throw new OperatorError('is required');
    return { value: setting.absent, secrets: [] };
  }
  if (env === undefined && hasReference(text)) return { value: undefined, secrets: [] };
  const found: Resolved[] = [];
  const resolve = (each: string): string => resolveReferences(each, env ?? {}, (resolved) => found.push(resolved));
  // A family of keys is a JSON object by now: what a reference leads to must not become a part of its syntax.
  const resolved = setting.key.endsWith('*') ? mapValues(text, resolve) : resolve(text);
  const secrets = secretsIn(setting, resolved, found);
  return { value: setting.parse(setting.type === 'PASSWORD' ? resolved : resolved.trim()), secrets };
}

function mapValues(json: string, map: (value: string) => string): string {
  const object = JSON.parse(json) as Readonly<Record<string, string>>;
  return JSON.stringify(Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value)])));
}

/** What is given for a setting, by its own name or else by an older one. */
function named(
  { key }: Setting<unknown>,
  { renamed }: AnyDeclaration,
  raw: RawConfig,
): readonly [string | undefined, string | undefined] {
  const name = [key, ...Object.keys(renamed).filter((old) => renamed[old] === key)].find((each) =>
    Object.hasOwn(raw, each),
  );
  return name === undefined ? [undefined, undefined] : [name, raw[name]];
}

/** The JSON object of what is below the prefix and has no setting of its own. */
function below(
  { key }: Setting<unknown>,
  declaration: AnyDeclaration,
  raw: RawConfig,
): readonly [string | undefined, string | undefined] {
  const prefix = key.slice(0, -1);
  const own = new Set(settingsOf(declaration).map(([, setting]) => setting.key));
  const found = Object.entries(raw).filter(([each]) => each.startsWith(prefix) && !own.has(each));
  if (found.length === 0) return [undefined, undefined];
  return [key, JSON.stringify(Object.fromEntries(found.map(([each, value]) => [each.slice(prefix.length), value])))];
}
