/** What a type is made of; decides how a value is encoded, and how the type is created on a replica. */
export type TypeKind = 'base' | 'enum' | 'domain' | 'array' | 'composite' | 'range' | 'multirange';

/** A type by its qualified name (as `ColumnType.name`) and its modifier. */
export interface TypeReference {
  readonly name: string;
  readonly modifier: number;
}

/** A collation that is not the type's own. Without `definition` it is one of Postgres's. */
export interface Collation {
  /** Schema-qualified and quoted where needed: `pg_catalog."C"`. */
  readonly name: string;
  readonly definition?: {
    /** As `pg_collation.collprovider` has it: i ICU, c the system's, b Postgres's own. */
    readonly provider: string;
    readonly locale: string;
    readonly ctype?: string;
    readonly rules?: string;
    readonly isDeterministic: boolean;
  };
}

/** What it takes to make a type elsewhere; names are qualified and quoted where needed. */
export type MadeType = { readonly name: string } & (
  | { readonly kind: 'enum'; readonly labels: readonly string[] }
  | {
      readonly kind: 'domain';
      readonly base: TypeReference;
      readonly collation?: Collation;
      readonly default?: string;
      readonly notNull: boolean;
      /** Checks that hold for every value: name and `CHECK (…)` as `pg_get_constraintdef` prints it. */
      readonly checks: readonly { readonly name: string; readonly definition: string }[];
    }
  | {
      readonly kind: 'composite';
      readonly attributes: readonly {
        readonly name: string;
        readonly type: TypeReference;
        readonly collation?: Collation;
      }[];
    }
  | {
      readonly kind: 'range';
      readonly subtype: TypeReference;
      readonly multirange?: string;
      readonly collation?: Collation;
      /** Operator class and difference function, where they are not the subtype's own; by qualified name. */
      readonly operators?: string;
      readonly difference?: string;
      /** It has a function of its own that brings ranges into one form: nobody else can make that. */
      readonly isCanonical: boolean;
    }
  | { readonly kind: 'extension'; readonly extension: string; readonly schema: string }
);

/** A column's type as the source declares it. */
export interface ColumnType {
  readonly oid: number;
  /** Schema-qualified and quoted where needed, without modifier: `pg_catalog.int4`, `public."Mood"`. */
  readonly name: string;
  /** As the catalog's `format_type(oid, typmod)` prints it under an empty search_path: `character varying(20)`. */
  readonly declared: string;
  /** The type modifier (`atttypmod`), -1 when there is none. For numeric: ((precision << 16) | scale) + 4. */
  readonly modifier: number;
  readonly kind: TypeKind;
  /** The type whose text form the values have: itself, or what a domain is based on (`pg_catalog.int4`), with the domain's modifier. */
  readonly base: string;
  readonly baseModifier: number;
  /** Labels in their order: of an enum, of the one that a domain is based on, or of an array's elements. */
  readonly labels?: readonly string[];
  /** The types that this one is made of, if people or extensions have made them, and itself, in an order in which they can be made. */
  readonly made?: readonly MadeType[];
}

export interface Column {
  readonly name: string;
  /** The column's number in its table (`attnum`): it survives a rename. */
  readonly attnum: number;
  readonly type: ColumnType;
  readonly nullable: boolean;
  /** It is not nullable only because its domain is not: the column itself does not say so. */
  readonly requiredByType?: true;
  /** Where it is not the type's own. */
  readonly collation?: Collation;
  /** The default's expression as SQL, absent when there is none. */
  readonly default?: string;
  /**
   * What rows have that are older than the column (`pg_attribute.attmissingval`), as its text: the default that it was added with,
   * whatever its default is now. Absent when there is no such value.
   */
  readonly missing?: string;
  /** 's' stored, 'v' virtual; absent for an ordinary column. Generated columns carry no cells unless published. */
  readonly generated?: 's' | 'v';
  /** Identity column: 'a' always, 'd' by default. */
  readonly identity?: 'a' | 'd';
}

/** Which old values a source sends (`pg_class.relreplident`). */
export type ReplicaIdentity = 'default' | 'nothing' | 'full' | 'index';

/**
 * One version of a table: everything that is needed to read its rows and to create it elsewhere.
 * Cells of a row are positional: cell i belongs to `columns[i]`.
 */
export interface TableSchema {
  readonly relationId: number;
  /** Counts the table versions that one claim announced, from 1; (claim, version) names it for ever (docs/format.md). */
  readonly version: number;
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly Column[];
  /** Ordinals into `columns` that identify a row: the identity index's, else the primary key's. Empty: the table has no key. */
  readonly key: readonly number[];
  readonly identity: ReplicaIdentity;
  /** Generated columns of which the source sends no values, in the order of their numbers; `default` is their expression. */
  readonly computed?: readonly Column[];
  /** The source sends the table's DDL: what else a version says of it changes nothing, it may be ahead of the rows. */
  readonly isFollowed?: true;
}

/** `schema.table`, for messages and topic names. */
export function tableName(table: Pick<TableSchema, 'schema' | 'name'>): string {
  return `${table.schema}.${table.name}`;
}
