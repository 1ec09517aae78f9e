import type { Column, TableSchema } from '../../change/table-schema.ts';
import { OperatorError } from '../../errors.ts';
import { lookUpRelation, type RelationFacts } from '../../postgres/catalog.ts';
import { postgresError } from '../../postgres/errors.ts';
import { qualified, quoteIdentifier } from '../../postgres/identifier.ts';
import type { Session } from './session.ts';

/** A source column's counterpart. */
export interface TargetColumn {
  readonly ordinal: number;
  readonly quoted: string;
  /** The type without modifier: casting to it never cuts a value, storing it checks the length. */
  readonly type: string;
  /** False for generated columns: the target computes them. */
  readonly isWritten: boolean;
  /** False also for `generated always as identity`: Postgres lets nobody update it, here or at the source. */
  readonly isUpdatable: boolean;
  /** It is NOT NULL. */
  readonly isRequired: boolean;
  /** How a key column is compared: an extension's operator must be named with its schema, because no search_path finds it. */
  readonly equals: string;
}

/** One table version and the target table that takes its rows. */
export interface TargetTable {
  readonly schema: TableSchema;
  readonly oid: number;
  /** Qualified and quoted. */
  readonly name: string;
  /** The same for statements that look for rows: without those of tables that inherit from it, which are tables of their own. */
  readonly alone: string;
  /** Positional as the source's columns. */
  readonly columns: readonly TargetColumn[];
  /** Every column of the target that can be written, quoted; those that only the target has too. */
  readonly writable: readonly string[];
  /** The target has a unique index on exactly the key, so ON CONFLICT can use it. */
  readonly hasUniqueKey: boolean;
  /** For rows that are found by all their values: columns whose equality finds them fast. */
  readonly probe?: readonly number[];
  /** Tables that this one's foreign keys refer to; itself too, when it does. */
  readonly parents: readonly number[];
  readonly isReferenced: boolean;
  /** A foreign key of it may change its rows by itself (cascade, set null), so counts prove nothing. */
  readonly hasActions: boolean;
}

/** Matches a table version with the target table that has its name; undefined when there is none. */
export async function findTarget(
  session: Session,
  schema: TableSchema,
  target: { readonly schema: string; readonly name: string },
): Promise<{ facts: RelationFacts; oid: number } | undefined> {
  const { client } = session;
  try {
    const found = await client.query<{ oid: number; kind: string }>(
      /* sql */ `select c.oid, c.relkind as kind from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2`,
      [target.schema, target.name],
    );
    const row = found.rows[0];
    if (row === undefined) return undefined;
    if (row.kind !== 'r' && row.kind !== 'p') {
      throw new OperatorError(`Target ${qualified(target.schema, target.name)} is not a table`, {
        advice: 'Rename it, or map the source schema to another target schema.',
      });
    }
    const facts = await lookUpRelation(client, row.oid);
    return facts && { facts, oid: row.oid };
  } catch (error) {
    throw postgresError(error, `Cannot look up the target of table ${schema.schema}.${schema.name}`);
  }
}

/** A primary key constraint; `isInherited` for one that a partition has of its table. */
export interface PrimaryKey {
  readonly name: string;
  readonly columns: readonly string[];
  readonly isInherited: boolean;
}

/** The table's primary key constraint and its columns. */
export async function findPrimaryKey(session: Session, oid: number): Promise<PrimaryKey | undefined> {
  const result = await session.client.query<PrimaryKey>(
    /* sql */ `select conname as name, coninhcount > 0 as "isInherited", array(select attname::text from pg_catalog.pg_attribute
        where attrelid = conrelid and attnum = any(conkey)) as columns
      from pg_catalog.pg_constraint where conrelid = $1 and contype = 'p'`,
    [oid],
  );
  return result.rows[0];
}

/** Builds the target of a table version; throws OperatorError naming the columns that the target lacks. */
export async function describeTarget(
  session: Session,
  schema: TableSchema,
  oid: number,
  facts: RelationFacts,
): Promise<TargetTable> {
  const name = qualified(facts.schema, facts.name);
  const byName = new Map(facts.columns.map((column) => [column.name, column]));
  const missing = schema.columns.filter((column) => !byName.has(column.name));
  if (missing.length > 0) {
    throw new OperatorError(`Table ${name} on the target lacks columns: ${missing.map((c) => c.name).join(', ')}`, {
      advice: 'Add them with the types of the source, or set auto.evolve.',
    });
  }
  const attnums = schema.key.map((ordinal) => byName.get((schema.columns[ordinal] as Column).name)?.attnum);
  const { operators, isPartitioned, ...constraints } = await readConstraints(session, oid, attnums as number[]);
  const columns = schema.columns.map((column, ordinal) => {
    const found = byName.get(column.name) as Column;
    return toTarget(found, ordinal, operators[found.attnum] ?? '=');
  });
  const writable = facts.columns.filter((column) => !column.generated).map((column) => quoteIdentifier(column.name));
  return { schema, oid, name, alone: isPartitioned ? name : `only ${name}`, columns, writable, ...constraints };
}

function toTarget(column: Column, ordinal: number, equals: string): TargetColumn {
  const isWritten = column.generated === undefined;
  return {
    ordinal,
    quoted: quoteIdentifier(column.name),
    type: column.type.name,
    isWritten,
    isUpdatable: isWritten && column.identity !== 'a',
    isRequired: !column.nullable,
    equals,
  };
}

interface Constraints extends Pick<TargetTable, 'hasUniqueKey' | 'parents' | 'isReferenced' | 'hasActions'> {
  /** Equality of key columns by their number, where it is not one of Postgres's own. */
  readonly operators: Readonly<Record<number, string>>;
  readonly isPartitioned: boolean;
}

async function readConstraints(session: Session, oid: number, key: readonly number[]): Promise<Constraints> {
  const result = await session.client.query<Constraints>(CONSTRAINTS, [oid, key]);
  const row = result.rows[0] as Constraints;
  return { ...row, hasUniqueKey: row.hasUniqueKey && key.length > 0 };
}

/** The equality that an index on the type goes by. */
const OPERATORS = /* sql */ `
  with recursive walk (attnum, oid) as (
    select attnum, atttypid from pg_catalog.pg_attribute where attrelid = $1 and attnum = any($2::int2[])
    union all
    select walk.attnum, t.typbasetype from walk join pg_catalog.pg_type t on t.oid = walk.oid and t.typtype = 'd')
  select coalesce(json_object_agg(walk.attnum, format('operator(%I.%s)', n.nspname, o.oprname)), '{}')
  from walk
  join pg_catalog.pg_opclass c on c.opcintype = walk.oid and c.opcdefault
  join pg_catalog.pg_am m on m.oid = c.opcmethod and m.amname = 'btree'
  join pg_catalog.pg_amop a on a.amopfamily = c.opcfamily and a.amopstrategy = 3
    and a.amoplefttype = walk.oid and a.amoprighttype = walk.oid
  join pg_catalog.pg_operator o on o.oid = a.amopopr
  join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
  where n.nspname <> 'pg_catalog'`;

const CONSTRAINTS = /* sql */ `
  select
    (${OPERATORS}) as operators,
    (select relkind = 'p' from pg_catalog.pg_class where oid = $1) as "isPartitioned",
    exists (select from pg_catalog.pg_index i where i.indrelid = $1 and i.indisunique and i.indimmediate and i.indisvalid
      and i.indpred is null and i.indexprs is null and i.indnkeyatts = cardinality($2::int2[])
      and (select array_agg(k.attnum order by k.attnum) from unnest(i.indkey::int2[]) with ordinality k (attnum, n)
           where k.n <= i.indnkeyatts)
        = (select array_agg(k order by k) from unnest($2::int2[]) k)) as "hasUniqueKey",
    array(select distinct confrelid::int8::float8 from pg_catalog.pg_constraint
      where conrelid = $1 and contype = 'f') as parents,
    exists (select from pg_catalog.pg_constraint where confrelid = $1 and contype = 'f') as "isReferenced",
    exists (select from pg_catalog.pg_constraint where conrelid = $1 and contype = 'f'
      and (confdeltype in ('c', 'n', 'd') or confupdtype in ('c', 'n', 'd'))) as "hasActions"`;
