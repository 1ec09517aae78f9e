import { OperatorError } from '../../errors.ts';

/** Which tables and columns are captured. */
export interface CaptureFilter {
  /** Whether tables of a schema can be captured at all. */
  schema(schema: string): boolean;
  table(schema: string, table: string): boolean;
  column(schema: string, table: string, column: string): boolean;
}

/** The lists that say what is captured: regular expressions that match whole names, in any case, as Debezium's do. */
export interface CaptureLists {
  readonly schemaInclude: readonly string[];
  readonly schemaExclude: readonly string[];
  /** Matched against `schema.table`. */
  readonly tableInclude: readonly string[];
  readonly tableExclude: readonly string[];
  /** Matched against `schema.table.column`. Key columns are captured whatever these say. */
  readonly columnInclude: readonly string[];
  readonly columnExclude: readonly string[];
}

/**
 * The system's schemas, and our own: a database that is a replica keeps its progress there, and a source of it must not follow that.
 */
const NEVER_CAPTURED = /^(pg_|(information_schema|rowcast)$)/;

/** Compiles the include and exclude lists; the system's schemas and `rowcast` are never captured. Throws OperatorError for a bad expression. */
export function compileFilter(lists: CaptureLists): CaptureFilter {
  const schema = matcher(lists.schemaInclude, lists.schemaExclude);
  const table = matcher(lists.tableInclude, lists.tableExclude);
  const column = matcher(lists.columnInclude, lists.columnExclude);
  return {
    schema: (schemaName) => !NEVER_CAPTURED.test(schemaName) && schema(schemaName),
    table: (schemaName, tableName) =>
      !NEVER_CAPTURED.test(schemaName) && schema(schemaName) && table(`${schemaName}.${tableName}`),
    column: (schemaName, tableName, columnName) => column(`${schemaName}.${tableName}.${columnName}`),
  };
}

/** Whether a whole name, as `schema.table`, is matched by one of the expressions, in any case. Throws OperatorError for a bad one. */
export function compileNames(expressions: readonly string[]): (name: string) => boolean {
  const compiled = expressions.map(compile);
  return (name) => compiled.some((regex) => regex.test(name));
}

function matcher(include: readonly string[], exclude: readonly string[]): (name: string) => boolean {
  const [included, excluded] = [include.map(compile), exclude.map(compile)];
  return (name) =>
    (included.length === 0 || included.some((regex) => regex.test(name))) &&
    !excluded.some((regex) => regex.test(name));
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(`^(?:${pattern})$`, 'iu');
  } catch (error) {
    throw new OperatorError(`Not a regular expression: ${pattern}`, {
      cause: error,
      advice: 'Correct the include or exclude list.',
    });
  }
}
