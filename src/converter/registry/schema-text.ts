import avsc from 'avsc';
import { describeError, OperatorError } from '../../errors.ts';
import { isNestedDeeper, MAX_SCHEMA_DEPTH } from '../nesting.ts';
import { isJsonObject } from '../../json.ts';
import { InvalidSchema } from './registry.ts';

/** The JSON text without superfluous white space: equal schemas have equal texts. Throws OperatorError naming `what`. */
export function compact(schema: string, what: string): string {
  try {
    return JSON.stringify(JSON.parse(schema));
  } catch (cause) {
    throw new OperatorError(`${what} is not JSON`, { cause, advice: 'Register the schema as JSON text.' });
  }
}

/** What avsc makes of an Avro schema; throws InvalidSchema with its reason. */
export function parseSchema(schema: string): avsc.Type {
  if (isNestedDeeper(schema, MAX_SCHEMA_DEPTH))
    throw new InvalidSchema(`Schema is nested deeper than ${MAX_SCHEMA_DEPTH} levels`);
  if (hasInexactInteger(withoutStrings(schema))) {
    throw new InvalidSchema('Schema holds an integer beyond 2^53, which is not kept exactly');
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(schema);
  } catch (cause) {
    throw new InvalidSchema('Schema is not JSON', { cause });
  }
  try {
    return avsc.Type.forSchema(parsed as avsc.Schema, { wrapUnions: true, noAnonymousTypes: true });
  } catch (cause) {
    throw new InvalidSchema(`Schema is not valid Avro: ${describeError(cause)}`, { cause });
  }
}

/** True when two JSON texts differ in nothing but the order of properties: Confluent's clients rearrange those. */
export function isSameSchema(one: string, other: string): boolean {
  return one === other || sortedText(one) === sortedText(other);
}

function sortedText(schema: string): string {
  return JSON.stringify(JSON.parse(schema), (_, value: unknown) => {
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
}

/** The text with all its strings empty: numbers are what they look like then. */
function withoutStrings(schema: string): string {
  return schema.replace(/"[^"\\]*(?:\\.[^"\\]*)*"/gs, '""');
}

function hasInexactInteger(bare: string): boolean {
  const numbers = bare.match(/-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g) ?? [];
  return numbers.some((text) => /^-?\d+$/.test(text) && !Number.isSafeInteger(Number(text)));
}
