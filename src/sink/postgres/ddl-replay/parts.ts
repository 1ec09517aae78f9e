import type { DdlConstraint, DdlIndex, TableState } from '../../../change/ddl.ts';
import { OperatorError } from '../../../errors.ts';
import { quoteIdentifier } from '../../../postgres/identifier.ts';

/** What became of one kind of a table's parts. */
export interface PartsPlan<T> {
  readonly gone: readonly T[];
  readonly renamed: readonly { readonly from: T; readonly to: T }[];
  readonly added: readonly T[];
  /** Foreign keys and checks that were not yet checked against all rows, and now are. */
  readonly validated: readonly T[];
}

/**
 * Compares the constraints, or the indexes, of a table. A part keeps its id unless it is built anew: with the same definition, or because a column
 * of its table has a new type (then the target builds it anew as well), it is the same.
 */
export function planParts<T extends DdlConstraint | DdlIndex>(
  before: readonly T[],
  after: readonly T[],
  isRetyped: boolean,
): PartsPlan<T> {
  const same = new Map<T, T>();
  for (const to of after) {
    const from = before.find(({ oid }) => oid === to.oid);
    if (from !== undefined) same.set(to, from);
  }
  const taken = new Set(same.values());
  for (const to of after) {
    if (same.has(to)) continue;
    const from = before.find(
      (each) => !taken.has(each) && each.name === to.name && (isRetyped || bodyOf(each) === bodyOf(to)),
    );
    if (from === undefined) continue;
    same.set(to, from);
    taken.add(from);
  }
  const pairs = [...same].map(([to, from]) => ({ from, to }));
  return {
    gone: before.filter((part) => !taken.has(part)),
    renamed: pairs.filter(({ from, to }) => from.name !== to.name),
    added: after.filter((part) => !same.has(part)),
    validated: pairs.filter(({ from, to }) => !isValid(from) && isValid(to)).map(({ to }) => to),
  };
}

/** Whether a column of the table was given another type. */
export function hasRetyped(before: TableState, after: TableState): boolean {
  return after.table.columns.some((column) => {
    const old = before.table.columns.find(({ attnum }) => attnum === column.attnum);
    return old !== undefined && old.type.declared !== column.type.declared;
  });
}

/** The clause that adds a constraint, checked to be one and of its type. */
export function constraintClause({ name, type, definition }: DdlConstraint): string {
  const heads = { p: 'PRIMARY KEY (', u: 'UNIQUE ', f: 'FOREIGN KEY (', c: 'CHECK (', x: 'EXCLUDE ' } as const;
  if (!definition.startsWith(heads[type])) throw strange(`constraint ${name}`);
  return `add constraint ${quoteIdentifier(name)} ${definition}`;
}

/** An index's definition: whether it is unique, its access method, and everything behind that. */
export function readIndex({ name, definition }: DdlIndex): { unique: boolean; method: string; rest: string } {
  const table = String.raw`(?:[\w$\u0080-\uffff]+|"(?:[^"]|"")+")`;
  const head = new RegExp(
    String.raw`^CREATE (UNIQUE )?INDEX ${table} ON (?:ONLY )?${table}\.${table} USING ([a-z_]\w*) (\([\s\S]*)$`,
  );
  const match = head.exec(definition);
  if (match === null) throw strange(`index ${name}`);
  return { unique: match[1] !== undefined, method: match[2] as string, rest: match[3] as string };
}

function isValid(part: DdlConstraint | DdlIndex): boolean {
  return !('isValid' in part) || part.isValid;
}

/** What an index is, whatever its name and its table's. */
export function bodyOf(part: DdlConstraint | DdlIndex): string {
  if ('type' in part) return part.definition;
  const { unique, method, rest } = readIndex(part);
  return `${unique} ${method} ${rest}`;
}

function strange(object: string): OperatorError {
  return new OperatorError(`The definition of ${object} in the log is not one that Postgres prints`, {
    advice: 'Somebody else may write to the topic of schema changes: look at who has access to it.',
  });
}
