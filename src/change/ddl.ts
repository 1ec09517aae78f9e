import type { TableSchema } from './table-schema.ts';

/** A constraint of a table: primary key, unique, foreign key, check or exclusion. */
export interface DdlConstraint {
  readonly oid: number;
  readonly name: string;
  readonly type: 'p' | 'u' | 'f' | 'c' | 'x';
  /** As `pg_get_constraintdef` prints it under an empty search_path. */
  readonly definition: string;
  readonly isValid: boolean;
  /** What a foreign key refers to. */
  readonly references?: { readonly schema: string; readonly name: string };
}

/** An index that no constraint stands on. */
export interface DdlIndex {
  readonly oid: number;
  readonly name: string;
  /** As `pg_get_indexdef` prints it under an empty search_path. */
  readonly definition: string;
}

/** A table and all that belongs to it, at one moment between two statements. */
export interface TableState {
  readonly kind: 'table';
  /** Version 0: the stream announces its own. */
  readonly table: TableSchema;
  readonly isUnlogged: boolean;
  /** Present for a partition, whose rows are its root's. */
  readonly partition?: {
    readonly schema: string;
    readonly name: string;
    /** The condition that rows of the partition fulfil; null when it holds any row. */
    readonly condition: string | null;
    readonly isDefault: boolean;
  };
  readonly constraints: readonly DdlConstraint[];
  readonly indexes: readonly DdlIndex[];
}

/** A type that a person has made; others are not followed. */
export type TypeState = { readonly kind: 'enum' | 'domain' | 'composite' } & {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** Labels of an enum in their order. */
  readonly labels?: readonly { readonly oid: number; readonly label: string }[];
  /** What a domain is based on, as `format_type` prints it; whether it refuses NULL, and its checks. */
  readonly base?: string;
  readonly notNull?: boolean;
  readonly default?: string | null;
  readonly checks?: readonly { readonly oid: number; readonly name: string; readonly definition: string }[];
  /** Attributes of a composite type, types as `format_type` prints them. */
  readonly attributes?: readonly { readonly name: string; readonly type: string }[];
};

export interface SchemaState {
  readonly kind: 'schema';
  readonly oid: number;
  readonly name: string;
}

export type DdlObject = TableState | TypeState | SchemaState;

/** What a statement made of one object; no `before`: it is new, no `after`: it is gone. */
export interface DdlChange {
  readonly before?: DdlObject;
  readonly after?: DdlObject;
  /** A table that is new, or newly a partition, had rows when it became so. */
  readonly hasRows?: boolean;
  /** Values of a column were converted, or nobody knows that they were not. */
  readonly isRewritten?: boolean;
  /** By column: the expression that converted its values, null when there was none. Absent: nobody knows. */
  readonly conversions?: Readonly<Record<string, string | null>>;
}

/** One DDL statement of the source: what it has made of the objects that it touched. */
export interface DdlCommand {
  /** Its row in `rowcast.ddl`. */
  readonly id: number;
  /** The command's tag, for people: `ALTER TABLE`. */
  readonly tag: string;
  /** Settings of the session that text of values depends on, and its search_path. */
  readonly session: Readonly<Record<string, string>>;
  readonly changes: readonly DdlChange[];
}

/** `schema.name` of an object, for messages. */
export function ddlObjectName(object: DdlObject): string {
  if (object.kind === 'table') return `${object.table.schema}.${object.table.name}`;
  return object.kind === 'schema' ? object.name : `${object.schema}.${object.name}`;
}
