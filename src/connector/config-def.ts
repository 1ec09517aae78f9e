import { type AnyDeclaration, own } from './connector-class.ts';
import { isKnownKey, knownKeys } from './known-keys.ts';
import { maskValue, maskWhole } from './mask-config.ts';
import { nearest } from './nearest.ts';
import { judgeOtherKeys, parseConfig } from './parse-config.ts';
import { type RawConfig, type ReadSetting, readSettings, settingsOf } from './read-settings.ts';
import { type Environment, hasReference } from './reference.ts';
import type { Setting, SettingType } from './setting.ts';

/** A setting as Kafka Connect's REST API describes it. @see https://kafka.apache.org/documentation/#connect_rest */
export interface ConfigKeyInfo {
  readonly name: string;
  readonly type: SettingType;
  readonly required: boolean;
  readonly default_value: string | null;
  readonly importance: 'HIGH' | 'MEDIUM' | 'LOW';
  readonly documentation: string;
  readonly group: string;
  readonly width: 'SHORT' | 'MEDIUM' | 'LONG';
  readonly display_name: string;
  readonly dependents: readonly string[];
  /** Place in its group, from 1. */
  readonly order: number;
}

/** The value of a setting as Connect's validate call answers it: as written, secrets masked. */
export interface ConfigValueInfo {
  readonly name: string;
  readonly value: string | null;
  readonly recommended_values: readonly string[];
  readonly errors: readonly string[];
  readonly visible: boolean;
}

/** What `PUT /connector-plugins/{class}/config/validate` answers, right or wrong. */
export interface ConfigInfos {
  readonly name: string;
  readonly error_count: number;
  readonly groups: readonly string[];
  readonly configs: readonly { readonly definition: ConfigKeyInfo; readonly value: ConfigValueInfo }[];
  /** Ours: what is no error. Keys that are not known, with the nearest one that is; settings without effect. */
  readonly rowcast: { readonly warnings: readonly string[] };
}

const NAME: Setting<string> = {
  key: 'name',
  type: 'STRING',
  group: 'Common',
  importance: 'high',
  required: false,
  doc: "Name of the connector; that of its file when it is not said. Never change it: it names the connector's state.",
  parse: (text) => text,
};

const CLASS: Setting<string> = {
  key: 'connector.class',
  type: 'CLASS',
  group: 'Common',
  importance: 'high',
  required: true,
  doc: 'Kind of connector.',
  parse: (text) => text,
};

/** The settings as Connect lists them, `name` and `connector.class` first. `alias`: the name under which, with its defaults. */
export function configDef(declaration: AnyDeclaration, alias?: string): readonly ConfigKeyInfo[] {
  const orders = new Map<string, number>();
  const defaults = own(declaration.aliases, alias ?? '') ?? {};
  return [NAME, CLASS, ...exactSettings(declaration)].map((setting) => {
    const order = (orders.get(setting.group) ?? 0) + 1;
    orders.set(setting.group, order);
    return keyInfo(setting, order, defaults[setting.key]);
  });
}

/**
 * Judges a raw config as Connect's validate call does. Without `env` references are taken for right, and rules over several settings are
 * held only when there are none; files that settings name are not looked at, so of what is wrong with them nothing is said. With `env` files
 * that settings and references name are read.
 */
export function validate(declaration: AnyDeclaration, raw: RawConfig, env?: Environment): ConfigInfos {
  const className = raw['connector.class'] ?? declaration.name;
  const read = new Map(readSettings(declaration, raw, env).map((each) => [each.setting.key, each]));
  const errors = errorsByKey(declaration, raw, env, [...read.values()]);
  const definitions = configDef(declaration, className);
  const known = new Set(definitions.map(({ name }) => name));
  const refused = [...errors.keys()].filter((key) => !known.has(key)).map(refusedKey);
  const settings = [...definitions, ...refused].map((definition) => {
    const { name } = definition;
    return { definition, value: valueInfo(name, read.get(name), raw[name], errors.get(name) ?? []) };
  });
  const configs = [...settings, ...unknownKeys(declaration, raw)];
  return {
    name: className,
    error_count: [...errors.values()].reduce((sum, all) => sum + all.length, 0),
    groups: [...new Set(configs.map(({ definition }) => definition.group))],
    configs,
    rowcast: { warnings: warningsOf(declaration, raw, env) },
  };
}

function warningsOf(declaration: AnyDeclaration, raw: RawConfig, env: Environment | undefined): readonly string[] {
  if (env === undefined && Object.values(raw).some(hasReference)) return judgeOtherKeys(declaration, raw).warnings;
  return parseConfig(declaration, raw, env ?? {}, env === undefined ? 'left alone' : 'read').warnings;
}

/** Keys that mean nothing, which is no error: each recommends the known one that is spelled most like it. */
function unknownKeys(declaration: AnyDeclaration, raw: RawConfig): ConfigInfos['configs'] {
  const known = knownKeys(declaration);
  return Object.entries(raw).flatMap(([key, text], index) => {
    if (isKnownKey(key, declaration)) return [];
    const guess = nearest(key, known);
    const doc = `Not a known setting${guess === undefined ? '' : `; did you mean ${guess}?`}`;
    const setting = { key, type: 'STRING', group: 'Unknown', importance: 'low', required: false } as const;
    const definition = keyInfo({ ...setting, doc, parse: (value) => value }, index + 1, undefined);
    const value = { ...valueInfo(key, undefined, undefined, []), value: maskWhole(text) };
    return [{ definition, value: { ...value, recommended_values: guess === undefined ? [] : [guess] } }];
  });
}

function errorsByKey(
  declaration: AnyDeclaration,
  raw: RawConfig,
  env: Environment | undefined,
  read: readonly ReadSetting[],
): ReadonlyMap<string, readonly string[]> {
  const errors = new Map<string, string[]>();
  const add = (key: string, message: string): void => {
    errors.set(key, [...(errors.get(key) ?? []), message]);
  };
  for (const { setting, problem } of read) if (problem !== undefined) add(setting.key, `${setting.key} ${problem}`);
  for (const { key, message } of judgeOtherKeys(declaration, raw).problems) add(key, message);
  const isWhole = env !== undefined || !Object.values(raw).some(hasReference);
  if (errors.size > 0 || !isWhole) return errors;
  const keys = new Set(read.map(({ setting }) => setting.key));
  const files = env === undefined ? 'left alone' : 'read';
  for (const problem of parseConfig(declaration, raw, env ?? {}, files).problems) {
    const first = problem.split(/[ ,]/, 1)[0] as string;
    add(keys.has(first) ? first : 'connector.class', problem);
  }
  return errors;
}

function exactSettings(declaration: AnyDeclaration): readonly Setting<unknown>[] {
  return settingsOf(declaration).flatMap(([, setting]) => (setting.key.endsWith('*') ? [] : [setting]));
}

function keyInfo(setting: Setting<unknown>, order: number, aliasDefault: string | undefined): ConfigKeyInfo {
  const { key, type, doc, group, importance = 'medium' } = setting;
  const short = type === 'INT' || type === 'LONG' || type === 'BOOLEAN' || setting.choices !== undefined;
  return {
    name: key,
    type,
    required: setting.required,
    default_value: type === 'PASSWORD' ? null : (aliasDefault ?? setting.default ?? null),
    importance: importance.toUpperCase() as ConfigKeyInfo['importance'],
    documentation: doc,
    group,
    width: short ? 'SHORT' : type === 'LIST' ? 'LONG' : 'MEDIUM',
    display_name: displayName(key),
    dependents: [],
    order,
  };
}

/** `database.hostname` as "Database hostname". */
function displayName(key: string): string {
  const words = key.replaceAll('.', ' ');
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`;
}

/** A key that is no setting, but must be told of: its effect would be missed. */
function refusedKey(key: string): ConfigKeyInfo {
  const setting = { key, type: 'STRING', group: 'Not supported', importance: 'low', required: false } as const;
  return keyInfo({ ...setting, doc: 'Not supported.', parse: (text) => text }, -1, undefined);
}

function valueInfo(
  name: string,
  read: ReadSetting | undefined,
  given: string | undefined,
  errors: readonly string[],
): ConfigValueInfo {
  const text = read?.text ?? given;
  return {
    name,
    value: text === undefined ? null : maskValue(read?.setting, name, text),
    recommended_values: read?.setting.choices ?? [],
    errors,
    visible: true,
  };
}
