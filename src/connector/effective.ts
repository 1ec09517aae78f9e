import { FRAMEWORK_KEYS } from './known-keys.ts';
import type { AnyDeclaration } from './connector-class.ts';
import { maskConfig, maskValue } from './mask-config.ts';
import { type Origin, type RawConfig, readSettings } from './read-settings.ts';

/** A setting with the value that it has in the end, as it may be shown. */
export interface EffectiveSetting {
  readonly key: string;
  /** References unresolved, secrets masked; undefined when it has none. */
  readonly value: string | undefined;
  readonly origin: Origin;
  /** The other name under which it was given. */
  readonly givenAs: string | undefined;
}

/** Every setting of a raw config with its value and where that comes from. */
export function effectiveSettings(declaration: AnyDeclaration, raw: RawConfig): readonly EffectiveSetting[] {
  const masked = maskConfig(declaration, raw);
  const read = readSettings(declaration, raw, undefined);
  const keys = new Set(read.map(({ setting }) => setting.key));
  return read.flatMap(({ setting, text, origin, givenAs }): readonly EffectiveSetting[] => {
    if (setting.key.endsWith('*')) return below(setting.key, masked, keys);
    // A default is ours, so it is no secret: also one that the class cannot take (Debezium's ${topic}).
    const value = text === undefined || origin !== 'given' ? text : maskValue(setting, setting.key, text);
    const other = givenAs === setting.key ? undefined : givenAs;
    return [{ key: setting.key, value, origin, givenAs: other }];
  });
}

function below(key: string, masked: RawConfig, settings: ReadonlySet<string>): readonly EffectiveSetting[] {
  return Object.entries(masked)
    .filter(([each]) => each.startsWith(key.slice(0, -1)) && !settings.has(each) && !FRAMEWORK_KEYS.has(each))
    .map(([each, value]) => ({ key: each, value, origin: 'given', givenAs: undefined }));
}
