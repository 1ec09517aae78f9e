import avsc from 'avsc';
import { OperatorError } from '../../errors.ts';
import { isNestedDeeper, MAX_SCHEMA_DEPTH } from '../nesting.ts';

/** Records that are the same in the envelope of every table. */
const SHARED: ReadonlySet<unknown> = new Set(['Source', 'block']);
/** No more of them: each Debezium has its own. */
const MAX_SHARED = 16;
const shared = new Map<string, avsc.Type>();

/** Parses a schema that avsc finds valid; throws OperatorError naming `what`. */
export function validSchema(text: string, what: string): unknown {
  const advice = 'Look at the schema in the registry; another program may have registered it.';
  if (isNestedDeeper(text, MAX_SCHEMA_DEPTH))
    throw new OperatorError(`${what} is nested deeper than ${MAX_SCHEMA_DEPTH} levels`, { advice });
  try {
    const schema = JSON.parse(text) as avsc.Schema;
    if (!isValid(schema)) avsc.Type.forSchema(schema);
    return schema;
  } catch (cause) {
    throw new OperatorError(`${what} is not a valid Avro schema`, { cause, advice });
  }
}

/** False says nothing: the shared records know no types but their own, and nobody knows them by name. */
function isValid(schema: avsc.Schema): boolean {
  try {
    avsc.Type.forSchema(schema, { typeHook, wrapUnions: 'never' });
    return true;
  } catch {
    return false;
  }
}

/** Compiling a type takes longer than everything else about a table: what is alike to the letter is compiled once. */
function typeHook(schema: unknown): avsc.Type | undefined {
  const { name } = (schema ?? {}) as { readonly name?: unknown };
  if (typeof schema !== 'object' || !SHARED.has(name)) return undefined;
  const text = JSON.stringify(schema);
  const known = shared.get(text);
  if (known !== undefined || shared.size === MAX_SHARED) return known;
  const type = avsc.Type.forSchema(schema as avsc.Schema);
  shared.set(text, type);
  return type;
}
