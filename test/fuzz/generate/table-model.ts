import { qualified, quoteIdentifier } from '../../../src/postgres/identifier.ts';
import type { TypeSpec } from './type-spec.ts';

/** A column as the generator believes it to be. */
export interface ColumnModel {
  name: string;
  type: TypeSpec;
  isRequired: boolean;
  /** Postgres fills it: a generated column, or an identity column that takes no other values. */
  readonly isGiven: boolean;
  /** Clauses behind the type. */
  readonly clauses: string;
}

/** A table as the generator believes it to be: statements that went wrong may have left it otherwise. */
export interface TableModel {
  schema: string;
  name: string;
  columns: ColumnModel[];
  /** Names of the primary key's columns. */
  readonly key: readonly string[];
  readonly isPartitioned: boolean;
  /** The column of a unique constraint. */
  readonly unique?: string | undefined;
  /** Columns that generated columns, indexes or partitions hold on to: they are neither dropped nor retyped. */
  readonly held: ReadonlySet<string>;
}

/** The table's name as SQL. */
export function nameOf(table: TableModel): string {
  return qualified(table.schema, table.name);
}

/** Columns that an INSERT may name. */
export function writable(table: TableModel): ColumnModel[] {
  return table.columns.filter(({ isGiven }) => !isGiven);
}

/** The key's columns, in its order. */
export function keyColumns(table: TableModel): ColumnModel[] {
  return table.key.map((name) => table.columns.find((column) => column.name === name) as ColumnModel);
}

/** Names as SQL, with commas. */
export function list(columns: readonly { readonly name: string }[]): string {
  return columns.map(({ name }) => quoteIdentifier(name)).join(', ');
}

/** A copy that may be changed without changing the original. */
export function cloned(tables: readonly TableModel[]): TableModel[] {
  return tables.map((table) => ({ ...table, columns: table.columns.map((column) => ({ ...column })) }));
}
