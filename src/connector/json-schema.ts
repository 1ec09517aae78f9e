import type { AnyDeclaration } from './connector-class.ts';
import { EFFECT_WORDS } from './effects.ts';
import { settingsOf } from './read-settings.ts';
import type { Setting } from './setting.ts';

/** A JSON Schema or a part of one. @see https://json-schema.org/draft-07/json-schema-release-notes */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What a value may hold instead of itself. */
const REFERENCE = { type: 'string', pattern: '\\$\\{(env|file|dir):[^}]+\\}' } as const;

/**
 * The schema of a flat config with the settings of the declaration. Stricter than the daemon, so that editors underline what it would
 * warn about or refuse: a key that is neither a setting nor one of the known ones is a typo. `extra` adds properties.
 */
export function configSchema(
  declaration: AnyDeclaration,
  extra: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema {
  const settings = settingsOf(declaration).map(([, setting]) => setting);
  const exact = settings.filter(({ key }) => !key.endsWith('*'));
  const properties: Record<string, JsonSchema> = { ...extra };
  for (const setting of exact)
    properties[setting.key] = settingSchema(setting, aliasDefaults(declaration, setting.key));
  for (const [old, key] of Object.entries(declaration.renamed)) {
    properties[old] = { description: `Another name of ${key}.`, type: ['string', 'number', 'boolean'] };
  }
  const tables = { ignored: declaration.ignored, unsupported: declaration.unsupported };
  for (const [key, reason] of exactKeys(tables.unsupported))
    properties[key] ??= refused(reason, declaration.harmless[key]);
  for (const [key, reason] of exactKeys(tables.ignored)) properties[key] = ignored(reason);
  for (const [key, values] of Object.entries(declaration.harmless)) properties[key] ??= harmless(values);
  return {
    type: 'object',
    description: declaration.doc,
    properties,
    patternProperties: prefixes(declaration, settings, Object.keys(properties)),
    additionalProperties: false,
    ...required(declaration, exact),
  };
}

function exactKeys(table: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(table).filter(([key]) => !key.endsWith('*'));
}

function settingSchema(setting: Setting<unknown>, aliases: readonly string[]): JsonSchema {
  const { doc, effect = 'restart' } = setting;
  const description = [doc, ...aliases, EFFECT_WORDS[effect]].join(' ');
  const hasDefault = setting.default !== undefined && setting.default !== '';
  return { description, ...(hasDefault ? { default: setting.default } : {}), ...valueSchema(setting) };
}

function valueSchema({ type, choices, range, pattern }: Setting<unknown>): JsonSchema {
  if (choices) return { anyOf: [{ enum: choices }, REFERENCE] };
  if (range) {
    const [minimum, maximum] = range;
    return { anyOf: [{ type: 'string', pattern: '^-?\\d+$' }, { type: 'integer', minimum, maximum }, REFERENCE] };
  }
  if (type === 'BOOLEAN') return { anyOf: [{ enum: ['true', 'false', true, false] }, REFERENCE] };
  if (pattern === undefined || pattern === '.') return { type: 'string', ...(pattern === '.' ? { minLength: 1 } : {}) };
  return { anyOf: [{ type: 'string', pattern }, REFERENCE] };
}

function aliasDefaults({ aliases }: AnyDeclaration, key: string): readonly string[] {
  return Object.entries(aliases).flatMap(([alias, defaults]) =>
    defaults[key] === undefined ? [] : [`The default of ${alias} is ${defaults[key]}.`],
  );
}

function ignored(reason: string): JsonSchema {
  return { description: `Has no effect: ${reason}.`, type: ['string', 'number', 'boolean'] };
}

/** Only what says that it is not used, or what is the case anyway. */
function refused(reason: string, harmlessValues: readonly string[] = []): JsonSchema {
  return { description: `Not supported: ${reason}.`, ...harmless(['', ...harmlessValues]) };
}

function harmless(values: readonly string[]): JsonSchema {
  const booleans = values.flatMap((each) => (each === 'true' || each === 'false' ? [each === 'true'] : []));
  return { enum: [...new Set([...values, ...booleans])] };
}

/** Whole families of keys, without those that have a schema of their own. */
function prefixes(
  { ignored: none, unsupported }: AnyDeclaration,
  settings: readonly Setting<unknown>[],
  own: readonly string[],
): Readonly<Record<string, JsonSchema>> {
  const families: (readonly [string, JsonSchema])[] = [];
  const add = (key: string, schema: JsonSchema): void => {
    if (key.endsWith('*')) families.push([key.slice(0, -1), schema]);
  };
  for (const setting of settings) add(setting.key, { description: setting.doc, type: ['string', 'number', 'boolean'] });
  for (const [key, reason] of Object.entries(none)) add(key, ignored(reason));
  for (const [key, reason] of Object.entries(unsupported)) add(key, refused(reason));
  const earlier: string[] = [];
  return Object.fromEntries(
    families.map(([prefix, schema]) => {
      const others = own.filter((key) => key.startsWith(prefix)).map((key) => `${escape(key)}$`);
      const longer = [...earlier, ...families.map(([each]) => each)].filter(
        (each) => each !== prefix && each.startsWith(prefix),
      );
      const not = [...others, ...new Set(longer.map(escape))];
      return [`^${not.length > 0 ? `(?!${not.join('|')})` : ''}${escape(prefix)}`, schema];
    }),
  );
}

function required({ renamed }: AnyDeclaration, settings: readonly Setting<unknown>[]): JsonSchema {
  const needed = settings.filter((setting) => setting.required).map(({ key }) => key);
  const names = (key: string): readonly string[] => [
    key,
    ...Object.keys(renamed).filter((old) => renamed[old] === key),
  ];
  const plain = needed.filter((key) => names(key).length === 1);
  const several = needed.filter((key) => names(key).length > 1);
  return {
    ...(plain.length > 0 ? { required: plain } : {}),
    ...(several.length > 0
      ? { allOf: several.map((key) => ({ anyOf: names(key).map((name) => ({ required: [name] })) })) }
      : {}),
  };
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
