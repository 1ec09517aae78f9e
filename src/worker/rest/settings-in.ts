import type { RawConfig } from '../../connector/parse-config.ts';
import type { JsonObject } from '../../json.ts';
import { refusal } from './answer.ts';

/** Settings as texts; Connect's clients send `null` for "not set". Anything that is not flat is answered with 400. */
export function settingsIn(body: JsonObject): Readonly<Record<string, string | null>> {
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => {
      if (typeof value === 'string' || value === null) return [key, value];
      if (typeof value === 'number' || typeof value === 'boolean') return [key, String(value)];
      throw refusal(400, `${key} must be a text: settings are flat`);
    }),
  );
}

/** Those that are set. */
export function withoutNulls(settings: Readonly<Record<string, string | null>>): RawConfig {
  return Object.fromEntries(Object.entries(settings).filter((entry): entry is [string, string] => entry[1] !== null));
}
