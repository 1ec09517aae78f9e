import { OperatorError } from '../errors.ts';
import { conditionOfSelect, conditionProblem } from '../postgres/condition.ts';
import { isJsonObject, type JsonObject } from '../json.ts';

/** A part of the tables that a signal names, and the rows that it means of them. */
export interface SignalCondition {
  /** An expression for names of tables; undefined: all. */
  readonly collection: string | undefined;
  /** SQL condition, or `select * from <table> where <condition>`. */
  readonly filter: string;
}

/** What a signal asks for. */
export type SignalOrder =
  | {
      readonly kind: 'execute';
      /** Expressions for whole names, as schema.table. */
      readonly collections: readonly string[];
      readonly conditions: readonly SignalCondition[];
      readonly isBlocking: boolean;
    }
  /** `collections` is empty when everything is to be stopped. */
  | { readonly kind: 'stop'; readonly collections: readonly string[] }
  | { readonly kind: 'pause' | 'resume' }
  | { readonly kind: 'sync-sequences' }
  /** `{}` in it stands for how far the source is. */
  | { readonly kind: 'log'; readonly message: string };

const TYPES = 'execute-snapshot, stop-snapshot, pause-snapshot, resume-snapshot, sync-sequences, log';

/**
 * Reads type and data of a signal as Debezium writes them. Throws OperatorError that says what is wrong, without values.
 * @see https://debezium.io/documentation/reference/stable/configuration/signalling.html
 */
export function readSignal(type: string | undefined, data: unknown): SignalOrder {
  switch (type) {
    case 'execute-snapshot':
      return execute(objectOf(data));
    case 'stop-snapshot':
      return stop(objectOf(data));
    case 'pause-snapshot':
      return { kind: 'pause' };
    case 'resume-snapshot':
      return { kind: 'resume' };
    case 'sync-sequences':
      return { kind: 'sync-sequences' };
    case 'log':
      return { kind: 'log', message: textOf(objectOf(data), 'message') ?? '{}' };
    case undefined:
      throw new OperatorError(`It has no type, which is one of: ${TYPES}`);
    default:
      throw new OperatorError(`Its type is none of: ${TYPES}`);
  }
}

function execute(data: JsonObject): SignalOrder {
  if (data['surrogate-key'] !== undefined) {
    throw new OperatorError('surrogate-key is not supported: rows are read by the key of their table; leave it out');
  }
  const collections = expressionsOf(data, 'data-collections');
  if (collections.length === 0) throw new OperatorError('data-collections names no table');
  const old = textOf(data, 'additional-condition');
  const conditions = conditionsOf(data['additional-conditions']);
  if (old !== undefined && old !== '') conditions.push({ collection: undefined, filter: conditionText(old) });
  return { kind: 'execute', collections, conditions, isBlocking: isBlocking(data) };
}

function stop(data: JsonObject): SignalOrder {
  isBlocking(data);
  return { kind: 'stop', collections: expressionsOf(data, 'data-collections') };
}

function isBlocking(data: JsonObject): boolean {
  const type = textOf(data, 'type')?.toLowerCase() ?? 'incremental';
  if (type === 'incremental' || type === 'blocking') return type === 'blocking';
  throw new OperatorError('type in its data is neither incremental nor blocking');
}

function conditionsOf(value: unknown): SignalCondition[] {
  if (value === undefined || value === null) return [];
  const wrong = 'additional-conditions must be a list of objects with data-collection and filter';
  if (!Array.isArray(value)) throw new OperatorError(wrong);
  return value.map((each: unknown) => {
    const data = objectOf(each, wrong);
    const [collection, filter] = [textOf(data, 'data-collection'), textOf(data, 'filter')];
    if (collection === undefined || filter === undefined) throw new OperatorError(wrong);
    assertExpression(collection, 'data-collection');
    return { collection, filter: conditionText(filter) };
  });
}

/** Only its form is looked at: which table it is about is known later. */
function conditionText(filter: string): string {
  if (/^\s*select\s/i.test(filter)) return filter;
  const problem = conditionProblem(filter);
  if (problem !== undefined) throw new OperatorError(`filter ${problem}`);
  return filter;
}

/** The condition for rows of the table `name` (schema.table). Throws OperatorError when the filter is a select of something else. */
export function conditionFor(name: string, filter: string): string | undefined {
  if (!/^\s*select\s/i.test(filter)) return filter;
  const found = conditionOfSelect(filter, name);
  if ('problem' in found) throw new OperatorError(`filter ${found.problem}`);
  return found.condition;
}

function expressionsOf(data: JsonObject, member: string): readonly string[] {
  const value = data[member] ?? [];
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) {
    throw new OperatorError(`${member} must be a list of texts`);
  }
  const expressions = value as readonly string[];
  for (const each of expressions) assertExpression(each, member);
  return expressions.filter((each) => each !== '');
}

function assertExpression(expression: string, member: string): void {
  try {
    new RegExp(`^(?:${expression})$`, 'iu');
  } catch (cause) {
    throw new OperatorError(`${member} has an invalid regular expression`, { cause });
  }
}

function textOf(data: JsonObject, member: string): string | undefined {
  const value = data[member];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new OperatorError(`${member} must be a text`);
  return value;
}

/** The JSON object that the data is, or that its text says; empty when there is none. */
function objectOf(data: unknown, wrong: string = 'Its data is not a JSON object'): JsonObject {
  const value = typeof data === 'string' ? parse(data, wrong) : (data ?? {});
  if (!isJsonObject(value)) throw new OperatorError(wrong);
  return value;
}

function parse(text: string, wrong: string): unknown {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new OperatorError(wrong); // the parser's message holds a part of the text
  }
}
