import { OperatorError } from '../errors.ts';

/** Types as Kafka Connect's ConfigDef names them. */
export type SettingType = 'STRING' | 'INT' | 'LONG' | 'BOOLEAN' | 'LIST' | 'PASSWORD' | 'CLASS';

/**
 * When a change of a setting takes effect. `restart`: the connector restarts by itself when its file changes. `new topics`: only topics
 * that are created from then on. `never`: it names things that exist already, so that another value is another connector. `daemon`:
 * after the daemon restarts.
 */
export type Effect = 'restart' | 'new topics' | 'never' | 'daemon';

/** What a setting is, apart from its key: shown in the documentation and by Connect's validate call. */
export interface SettingSpec {
  readonly doc: string;
  /** Settings of one group stand together, in the order of their declaration. */
  readonly group: string;
  readonly importance?: 'high' | 'medium' | 'low';
  /** `restart` when it is not said. */
  readonly effect?: Effect;
  /** The default as it would stand in a file; without one the setting is required, unless made `optional`. */
  readonly default?: string;
}

/** What the text of a setting may be, as far as a JSON Schema can say it. */
export interface TextShape {
  /** Values that may be given, where they can be listed. */
  readonly choices?: readonly string[];
  /** Bounds of a number, both included. */
  readonly range?: readonly [min: number, max: number];
  /** What the whole text matches. */
  readonly pattern?: string;
}

/** One setting of a connector class, declared once: its key, type, documentation, and how its text becomes a value. */
export interface Setting<T> extends SettingSpec, TextShape {
  readonly key: string;
  /** PASSWORD: never printed (Invariant 11). */
  readonly type: SettingType;
  readonly required: boolean;
  /** The value of this text; for a key that ends in `*`, of the JSON object of all keys below that prefix. Throws OperatorError whose message continues "<key> …" and never holds the text of a secret. */
  readonly parse: (text: string) => T;
  /** The value when nothing is given and there is no default. Only for optional settings. */
  readonly absent?: T;
}

/** The settings that make up a typed config: one for each of its members. */
export type SettingsOf<T> = { readonly [K in keyof T]: Setting<T[K]> };

/** A text; `pattern` is what the whole of it must match, `rule` says so in words. */
export function text(key: string, spec: SettingSpec & { pattern?: RegExp; rule?: string }): Setting<string> {
  const { pattern, rule, ...rest } = spec;
  const setting = declare(key, 'STRING', rest, (value) => {
    if (value === '') throw new OperatorError('must not be empty');
    if (pattern && !pattern.test(value)) throw new OperatorError(`must be ${rule ?? String(pattern)}`);
    return value;
  });
  return { ...setting, pattern: pattern?.source ?? '.' };
}

/** A text that is never printed (Invariant 11). */
export function secret(key: string, spec: SettingSpec): Setting<string> {
  return declare(key, 'PASSWORD', spec, (value) => value);
}

/** A whole number in a range, both ends included. */
export function integer(key: string, min: number, max: number, spec: SettingSpec): Setting<number> {
  const setting = declare(key, max > 2 ** 31 - 1 ? 'LONG' : 'INT', spec, (value) => {
    const number = /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new OperatorError(`must be a whole number from ${min} to ${max}`);
  });
  return { ...setting, range: [min, max] };
}

/** `true` or `false`, in any case, as Connect takes it. */
export function flag(key: string, spec: SettingSpec): Setting<boolean> {
  return declare(key, 'BOOLEAN', spec, (value) => {
    const lower = value.toLowerCase();
    if (lower !== 'true' && lower !== 'false') throw new OperatorError('must be true or false');
    return lower === 'true';
  });
}

/**
 * One of several words, in any case. `foreseen` are values of other products that mean something we do not do yet: they are refused with
 * that reason, not as unknown.
 */
export function choice<const T extends string>(
  key: string,
  choices: readonly T[],
  spec: SettingSpec & { foreseen?: readonly string[] },
): Setting<T> {
  const { foreseen = [], ...rest } = spec;
  const setting = declare(key, 'STRING', rest, (value) => {
    const isMeant = (each: string): boolean => each.toLowerCase() === value.toLowerCase();
    const found = choices.find(isMeant);
    if (found !== undefined) return found;
    const list = choices.join(', ');
    if (foreseen.some(isMeant)) throw new OperatorError(`"${value}" is not supported; supported: ${list}`);
    throw new OperatorError(`must be one of: ${list}`);
  });
  return { ...setting, choices };
}

/** Texts separated by commas; blanks around them do not count. An empty text is an empty list. */
export function list(key: string, spec: SettingSpec): Setting<readonly string[]> {
  return declare(key, 'LIST', { default: '', ...spec }, split);
}

/**
 * Regular expressions separated by commas, each to match a whole name. A comma belongs to its expression inside parentheses, brackets
 * or braces, and behind a backslash.
 */
export function patterns(key: string, spec: SettingSpec): Setting<readonly string[]> {
  return declare(key, 'LIST', { default: '', ...spec }, (value) => {
    const expressions = split(value);
    for (const expression of expressions) compile(expression);
    return expressions;
  });
}

/** All keys below a prefix that are no settings themselves, as texts by the rest of their names. */
export function remaining(prefix: string, spec: SettingSpec): Setting<Readonly<Record<string, string>>> {
  return declare(
    `${prefix}*`,
    'STRING',
    { default: '{}', ...spec },
    (value) => JSON.parse(value) as Record<string, string>,
  );
}

/** The same setting, with undefined as the value when it is not given. */
export function optional<T>(setting: Setting<T>): Setting<T | undefined> {
  return { ...setting, required: false, absent: undefined };
}

/** A setting with a form of its own. `parse` throws OperatorError whose message continues "<key> …", without the text. */
export function declare<T>(key: string, type: SettingType, spec: SettingSpec, parse: (text: string) => T): Setting<T> {
  return { ...spec, key, type, required: spec.default === undefined, parse };
}

function compile(expression: string): void {
  try {
    new RegExp(`^(?:${expression})$`, 'u').test(''); // one that is too large is found out when it is used
  } catch (cause) {
    throw new OperatorError(`has an invalid regular expression: ${expression}`, { cause });
  }
}

function split(value: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= value.length; i++) {
    const char = value[i];
    if (char === '\\') i++;
    else if (char === '(' || char === '[' || char === '{') depth++;
    else if (char === ')' || char === ']' || char === '}') depth--;
    else if (char === undefined || (char === ',' && depth <= 0)) {
      parts.push(value.slice(start, i).trim().replaceAll('\\,', ','));
      start = i + 1;
    }
  }
  return parts.filter((part) => part !== '');
}
