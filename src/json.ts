/** A JSON object as it was parsed: its members are not checked. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** True for an object; an array and null are none. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
