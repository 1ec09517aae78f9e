import type { DdlCommand, DdlObject } from '../../change/ddl.ts';
import type { SequenceState } from '../../change/sequence-state.ts';
import type { TableSchema } from '../../change/table-schema.ts';
import { isJsonObject } from '../../json.ts';

/** True for a table as a control record holds it: whoever reads it may go through its columns and its key. */
export function isTable(value: unknown): value is TableSchema {
  if (!isJsonObject(value)) return false;
  const { version, relationId, schema, name, columns, key, computed = [] } = value;
  if (![schema, name].every(isText) || ![version, relationId].every(Number.isSafeInteger)) return false;
  if (!isListOf(columns, isColumn) || !isListOf(computed, isColumn)) return false;
  return isListOf(key, (ordinal) => Number.isSafeInteger(ordinal) && columns[ordinal as number] !== undefined);
}

/** True for a DDL statement as a control record holds it. */
export function isDdl(value: unknown): value is DdlCommand {
  if (!isJsonObject(value) || !Number.isSafeInteger(value.id) || !isText(value.tag)) return false;
  const { session, changes } = value;
  return isJsonObject(session) && Object.values(session).every(isText) && isListOf(changes, isChange);
}

/** True for the sequences of a control record. */
export function areSequences(value: unknown): value is readonly SequenceState[] {
  return isListOf(value, isSequence);
}

function isColumn(value: unknown): boolean {
  if (!isJsonObject(value) || !isText(value.name) || !Number.isSafeInteger(value.attnum) || !isJsonObject(value.type))
    return false;
  const { name, declared, base, labels = [], made = [] } = value.type;
  return [name, declared, base].every(isText) && isListOf(labels, isText) && isListOf(made, isNamed);
}

/** What a statement made of an object; one side may be missing. */
function isChange(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  const sides = [value.before, value.after].filter((side) => side !== undefined);
  return sides.length > 0 && sides.every(isObject);
}

/** Kinds of objects that have a schema and a name. */
const NAMED_TWICE: ReadonlySet<string> = new Set<DdlObject['kind']>([
  'enum',
  'domain',
  'composite',
  'range',
  'sequence',
  'view',
  'routine',
]);

function isObject(value: unknown): boolean {
  if (!isJsonObject(value) || !isText(value.kind)) return false;
  if (value.kind === 'schema') return isText(value.name);
  if (NAMED_TWICE.has(value.kind)) return isText(value.schema) && isText(value.name);
  if (value.kind !== 'table') return false;
  const { table, constraints, indexes, options, comments } = value;
  return (
    isTable(table) &&
    isListOf(constraints, isNamed) &&
    isListOf(indexes, isNamed) &&
    isListOf(options, isText) &&
    isJsonObject(comments)
  );
}

function isSequence(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  const { schema, name, lastValue, type, start, increment, min, max, cache, columns } = value;
  const texts = [schema, name, lastValue, type, start, increment, min, max, cache];
  return texts.every(isText) && isListOf(columns, isSequenceColumn);
}

function isSequenceColumn(value: unknown): boolean {
  return isJsonObject(value) && [value.schema, value.table, value.column].every(isText);
}

function isNamed(value: unknown): boolean {
  return isJsonObject(value) && isText(value.name);
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): value is readonly unknown[] {
  return Array.isArray(value) && value.every(isItem);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
