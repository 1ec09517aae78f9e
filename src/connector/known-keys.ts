import { type AnyDeclaration, reasonFor } from './connector-class.ts';
import { settingsOf } from './read-settings.ts';

/** Keys of every connector file: its name and class, and the schema that its editor uses. */
export const FRAMEWORK_KEYS: ReadonlySet<string> = new Set(['name', 'connector.class', '$schema']);

/** Every key that means something, by its exact name. */
export function knownKeys(declaration: AnyDeclaration): readonly string[] {
  const tables = [declaration.renamed, declaration.ignored, declaration.unsupported].flatMap(Object.keys);
  return [...settingsOf(declaration).map(([, setting]) => setting.key), ...tables].filter((key) => !key.endsWith('*'));
}

/** True for a key that something is known of: a setting or one of a family, another name of one, or what is refused or has no effect. */
export function isKnownKey(key: string, declaration: AnyDeclaration): boolean {
  if (FRAMEWORK_KEYS.has(key) || Object.hasOwn(declaration.renamed, key)) return true;
  const isSetting = settingsOf(declaration).some(([, setting]) => isMeant(key, setting.key));
  return (
    isSetting ||
    reasonFor(key, declaration.unsupported) !== undefined ||
    reasonFor(key, declaration.ignored) !== undefined
  );
}

function isMeant(key: string, setting: string): boolean {
  return setting.endsWith('*') ? key.startsWith(setting.slice(0, -1)) : key === setting;
}
