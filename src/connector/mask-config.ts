import { OperatorError } from '../errors.ts';
import { type AnyDeclaration, currentName } from './connector-class.ts';
import { isKnownKey } from './known-keys.ts';
import { type RawConfig, settingsOf } from './read-settings.ts';
import { hasReference, isReference } from './reference.ts';
import { looksSecret, MASK, maskUrlPasswords } from './secret.ts';
import type { Setting } from './setting.ts';

/**
 * The config with what may not be printed masked: passwords, keys that are named like one, keys that are not known, because they may be
 * misspelt, the credentials inside URLs, and values that are not what their setting takes. References stay as they are.
 */
export function maskConfig(declaration: AnyDeclaration, raw: RawConfig): RawConfig {
  const settings = new Map(settingsOf(declaration).map(([, setting]) => [setting.key, setting]));
  return Object.fromEntries(
    Object.entries(raw).map(([key, value]) => {
      const setting = settings.get(currentName(key, declaration));
      return [key, isKnownKey(key, declaration) ? maskValue(setting, key, value) : maskWhole(value)];
    }),
  );
}

/** The value of a key of which nothing is known. */
export function maskWhole(value: string): string {
  return value === '' || isReference(value) ? value : MASK;
}

/** One value as it may be shown; `setting` is undefined for a key that is none. */
export function maskValue(setting: Setting<unknown> | undefined, key: string, value: string): string {
  if (value === '' || isReference(value)) return value;
  if (setting === undefined ? looksSecret(key) : setting.type === 'PASSWORD') return MASK;
  if (setting !== undefined && !hasReference(value) && !isRight(setting, value)) return MASK;
  return maskUrlPasswords(value);
}

function isRight(setting: Setting<unknown>, value: string): boolean {
  try {
    setting.parse(value.trim());
    return true;
  } catch (error) {
    if (error instanceof OperatorError) return false;
    throw error;
  }
}
