import type { SequenceState } from './sequence-state.ts';
import type { TableSchema } from './table-schema.ts';

/** Kinds of DDL whose replay runs no text of the source. `tables`: tables and their columns; `partitions`: what attached, detached and dropped ones do to their table's rows. */
export const DDL_KINDS = [
  'tables',
  'indexes',
  'constraints',
  'types',
  'schemas',
  'partitions',
  'sequences',
  'comments',
] as const;

/** Kinds whose replay runs text of the source. */
export const DDL_TEXT_KINDS = ['views', 'functions'] as const;

export type DdlKind = (typeof DDL_KINDS)[number] | (typeof DDL_TEXT_KINDS)[number];

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

/** An object by its two names. */
export interface DdlName {
  readonly schema: string;
  readonly name: string;
}

/** A table and all that belongs to it, at one moment between two statements. */
export interface TableState {
  readonly kind: 'table';
  /** Version 0: the stream announces its own. */
  readonly table: TableSchema;
  readonly isUnlogged: boolean;
  /** Present for a partition, whose rows are its root's: schema and name are the root's. */
  readonly partition?: DdlName & {
    /** The table right above it. */
    readonly above: DdlName;
    /** As `pg_get_expr` prints it: `FOR VALUES FROM (…) TO (…)`. */
    readonly bound: string;
    /** The condition that rows of the partition fulfil; null when it holds any row. */
    readonly condition: string | null;
    readonly isDefault: boolean;
  };
  /** As `pg_get_partkeydef` prints it: `RANGE (at)`; absent for a table that is not partitioned. */
  readonly partitionKey?: string;
  readonly constraints: readonly DdlConstraint[];
  readonly indexes: readonly DdlIndex[];
  /** Storage options, `name=value`. */
  readonly options: readonly string[];
  readonly comment: string | null;
  /** Comments of columns by their number. */
  readonly comments: Readonly<Record<string, string>>;
  /** The index that is the replica identity, if it is one. */
  readonly identityIndex?: string;
}

/** A type that a person has made; others are not followed. */
export type TypeState = { readonly kind: 'enum' | 'domain' | 'composite' | 'range' } & DdlName & {
    readonly oid: number;
    readonly comment: string | null;
    /** Labels of an enum in their order. */
    readonly labels?: readonly { readonly oid: number; readonly label: string }[];
    /** What a domain is based on, as `format_type` prints it; whether it refuses NULL, and its checks. */
    readonly base?: string;
    readonly notNull?: boolean;
    readonly default?: string | null;
    readonly checks?: readonly { readonly oid: number; readonly name: string; readonly definition: string }[];
    /** Attributes of a composite type, types as `format_type` prints them; the number survives a rename. */
    readonly attributes?: readonly { readonly number: number; readonly name: string; readonly type: string }[];
    /** Of a range: what it ranges over, as `format_type` prints it, and what is not the subtype's default. */
    readonly subtype?: string;
    readonly multirange?: DdlName;
    readonly opclass?: DdlName | null;
    readonly collation?: DdlName | null;
    readonly functions?: { readonly canonical: string | null; readonly difference: string | null };
  };

export interface SchemaState {
  readonly kind: 'schema';
  readonly oid: number;
  readonly name: string;
  readonly comment: string | null;
}

/** A sequence without where it stands. */
export interface SequenceDdl extends Omit<SequenceState, 'lastValue' | 'isCalled'> {
  readonly kind: 'sequence';
  readonly oid: number;
  readonly comment: string | null;
}

/** A view; its definition is the source's own text. */
export interface ViewState extends DdlName {
  readonly kind: 'view';
  readonly oid: number;
  readonly isMaterialized: boolean;
  /** A materialized view has rows. */
  readonly isFilled: boolean;
  readonly definition: string;
  readonly options: readonly string[];
  readonly indexes: readonly DdlIndex[];
  readonly comment: string | null;
}

/** A function or procedure; its definition is the source's own text. */
export interface RoutineState extends DdlName {
  readonly kind: 'routine';
  readonly oid: number;
  readonly isProcedure: boolean;
  /** What it is told from others of its name by. */
  readonly arguments: string;
  readonly definition: string;
  readonly comment: string | null;
}

export type DdlObject = TableState | TypeState | SchemaState | SequenceDdl | ViewState | RoutineState;

/** What a statement made of one object; no `before`: it is new, no `after`: it is gone. */
export interface DdlChange {
  readonly before?: DdlObject;
  readonly after?: DdlObject;
  /** A table that is new, or newly a partition, had rows when it became so. */
  readonly hasRows?: boolean;
  /** Values of a column were converted, or nobody knows that they were not; a materialized view was filled anew. */
  readonly isRewritten?: boolean;
  /** By column: the expression that converted its values, null when there was none. Absent: nobody knows. */
  readonly conversions?: Readonly<Record<string, string | null>>;
  /** Rows have values that nobody but the source knows: what a replica has of the table is void, and a copy follows. */
  readonly isVoid?: boolean;
}

/** One DDL statement of the source: what it has made of the objects that it touched. */
export interface DdlCommand {
  /** Its row in `rowcast.ddl`. */
  readonly id: number;
  /** The command's tag, for people: `ALTER TABLE`. */
  readonly tag: string;
  /** When it was run, as the source prints it. */
  readonly at?: string;
  /** Settings of the session that text of values depends on, and its search_path. */
  readonly session: Readonly<Record<string, string>>;
  readonly changes: readonly DdlChange[];
}

/** Whether the state is one of a type. */
export function isType(object: DdlObject): object is TypeState {
  return ['enum', 'domain', 'composite', 'range'].includes(object.kind);
}

/** `schema.name` of an object, for messages. */
export function ddlObjectName(object: DdlObject): string {
  if (object.kind === 'table') return `${object.table.schema}.${object.table.name}`;
  return object.kind === 'schema' ? object.name : `${object.schema}.${object.name}`;
}
