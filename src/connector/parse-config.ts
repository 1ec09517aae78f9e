import { OperatorError } from '../errors.ts';
import { type ConnectorClass, reasonFor } from './connector-class.ts';
import { nearest } from './nearest.ts';
import { type Environment, resolveReferences } from './reference.ts';
import type { Setting } from './setting.ts';

/** A config as files have it: flat texts. */
export type RawConfig = Readonly<Record<string, string>>;

/** What became of a raw config: the typed one when there are no problems. */
export interface ParsedConfig<T> {
  readonly config: T | undefined;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Reads every setting of the class, so that all problems of a file are known at once. Unknown keys are warned about, with the
 * nearest known one. `connector.class` must be the class's name or one of its aliases.
 */
export function parseConfig<T>(connector: ConnectorClass<T>, raw: RawConfig, env: Environment): ParsedConfig<T> {
  const warnings: string[] = [];
  const problems: string[] = [];
  const given = currentNames(connector, raw);
  const defaults = connector.aliases[raw['connector.class'] ?? ''] ?? {};
  const values: Partial<Record<keyof T, unknown>> = {};
  for (const [member, setting] of settingsOf(connector)) {
    try {
      values[member] = valueOf(setting, givenTo(setting.key, given, connector), defaults[setting.key], env);
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      problems.push(`${setting.key} ${error.message}`);
    }
  }
  judgeOtherKeys(connector, given, problems, warnings);
  if (problems.length > 0) return { config: undefined, problems, warnings };
  const config = values as T;
  const checked = connector.check(config, new Set(given.keys()));
  warnings.push(...checked.warnings);
  return { config: checked.problems.length > 0 ? undefined : config, problems: checked.problems, warnings };
}

/** The config with what may not be printed masked: passwords, and the credentials inside URLs. References stay as they are. */
export function maskConfig<T>(connector: ConnectorClass<T>, raw: RawConfig): RawConfig {
  const secrets = new Set(settingsOf(connector).flatMap(([, each]) => (each.type === 'PASSWORD' ? [each.key] : [])));
  const mask = (key: string, value: string): string => {
    if (/^\$\{(env|file):[^}]*\}$/.test(value)) return value;
    if (secrets.has(connector.renamed[key] ?? key) || /password|secret|token/i.test(key)) return '********';
    return value.replace(/(:\/\/[^/:@\s]*:)[^@\s]*@/, '$1********@').replace(/(password=)[^&\s]*/gi, '$1********');
  };
  return Object.fromEntries(Object.entries(raw).map(([key, value]) => [key, mask(key, value)]));
}

function settingsOf<T>(connector: ConnectorClass<T>): [keyof T, Setting<unknown>][] {
  return Object.entries(connector.settings) as [keyof T, Setting<unknown>][];
}

function currentNames<T>(connector: ConnectorClass<T>, raw: RawConfig): ReadonlyMap<string, string> {
  return new Map(Object.entries(raw).map(([key, value]) => [connector.renamed[key] ?? key, value]));
}

/** The text for a key; for one that ends in `*` the JSON object of what is below the prefix and has no setting of its own. */
function givenTo<T>(key: string, given: ReadonlyMap<string, string>, connector: ConnectorClass<T>): string | undefined {
  if (!key.endsWith('*')) return given.get(key);
  const prefix = key.slice(0, -1);
  const own = new Set(settingsOf(connector).map(([, setting]) => setting.key));
  const below = [...given].filter(([each]) => each.startsWith(prefix) && !own.has(each));
  return JSON.stringify(Object.fromEntries(below.map(([each, value]) => [each.slice(prefix.length), value])));
}

function valueOf<T>(
  setting: Setting<T>,
  given: string | undefined,
  aliasDefault: string | undefined,
  env: Environment,
): T {
  const text = given ?? aliasDefault ?? setting.default;
  if (text !== undefined) return setting.parse(resolveReferences(text, env).trim());
  if (setting.required) throw new OperatorError('is required');
  return setting.absent as T;
}

function judgeOtherKeys<T>(
  connector: ConnectorClass<T>,
  given: ReadonlyMap<string, string>,
  problems: string[],
  warnings: string[],
): void {
  const known = settingsOf(connector).map(([, setting]) => setting.key);
  const prefixes = known.filter((key) => key.endsWith('*')).map((key) => key.slice(0, -1));
  for (const [key, value] of given) {
    if (known.includes(key) || key === 'name' || key === 'connector.class') continue;
    if (connector.harmless[key] === value || prefixes.some((prefix) => key.startsWith(prefix))) continue;
    const refusal = reasonFor(key, connector.unsupported);
    const ignored = reasonFor(key, connector.ignored);
    if (ignored !== undefined) warnings.push(`${key} has no effect: ${ignored}`);
    else if (refusal === undefined) warnings.push(unknownKey(key, known));
    else if (value !== '') problems.push(`${key} is not supported: ${refusal}`);
  }
}

function unknownKey(key: string, known: readonly string[]): string {
  const guess = nearest(key, known);
  return `${key} is not a known setting${guess === undefined ? '' : `; did you mean ${guess}?`}`;
}
