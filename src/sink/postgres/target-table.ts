import type { Column, TableSchema } from '../../change/table-schema.ts';
import { OperatorError } from '../../errors.ts';
import { lookUpRelation, lookUpRelations, type RelationFacts } from '../../postgres/catalog.ts';
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
  const missing = lacks(schema, facts);
  if (missing.length > 0) {
    const name = qualified(facts.schema, facts.name);
    throw new OperatorError(`Table ${name} on the target lacks columns: ${missing.join(', ')}`, {
      advice: 'Add them with the types of the source, or set auto.evolve.',
    });
  }
  const key = keyNumbers(schema, facts) ?? [];
  const { rows } = await session.client.query<Constraints>(CONSTRAINTS, [oid, key]);
  return toTargetTable(schema, oid, facts, rows[0] as Constraints);
}

function toTargetTable(
  schema: TableSchema,
  oid: number,
  facts: RelationFacts,
  { operators, isPartitioned, ...constraints }: Constraints,
): TargetTable {
  const name = qualified(facts.schema, facts.name);
  const byName = new Map(facts.columns.map((column) => [column.name, column]));
  const columns = schema.columns.map((column, ordinal) => {
    const found = byName.get(column.name) as Column;
    return toTarget(found, ordinal, operators[found.attnum] ?? '=');
  });
  const writable = facts.columns.filter((column) => !column.generated).map((column) => quoteIdentifier(column.name));
  const hasUniqueKey = constraints.hasUniqueKey && schema.key.length > 0;
  const alone = isPartitioned ? name : `only ${name}`;
  return { schema, oid, name, alone, columns, writable, ...constraints, hasUniqueKey };
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

/** A table version and the name of its target. */
export interface Wanted {
  readonly schema: TableSchema;
  readonly target: { readonly schema: string; readonly name: string };
}

/**
 * The targets of many table versions with as many questions as of one. Those that are missing or do not fit are left out: asked for by themselves they
 * say what is wrong.
 */
export async function describeTargets(
  session: Session,
  wanted: readonly Wanted[],
): Promise<Map<TableSchema, TargetTable>> {
  const { client } = session;
  const names = [wanted.map(({ target }) => target.schema), wanted.map(({ target }) => target.name)];
  try {
    const { rows } = await client.query<{ n: number; oid: number }>(FIND_MANY, names);
    const facts = await lookUpRelations(
      client,
      rows.map(({ oid }) => oid),
    );
    const fitting = rows.flatMap(({ n, oid }) => {
      const { schema } = wanted[n - 1] as Wanted; // ordinality counts from 1
      const found = facts.get(oid);
      const key = found && keyNumbers(schema, found);
      return found && key && lacks(schema, found).length === 0 ? [{ schema, oid, found, key }] : [];
    });
    const keys = fitting.map(({ key }) => `{${key.join()}}`);
    const answers = await client.query<Constraints>(CONSTRAINTS_OF_MANY, [fitting.map(({ oid }) => oid), keys]);
    return new Map(
      fitting.map(({ schema, oid, found }, i) => [
        schema,
        toTargetTable(schema, oid, found, answers.rows[i] as Constraints),
      ]),
    );
  } catch (error) {
    throw postgresError(error, `Cannot look up the targets of ${wanted.length} tables`);
  }
}

function lacks(schema: TableSchema, { columns }: RelationFacts): string[] {
  const names = new Set(columns.map(({ name }) => name));
  return schema.columns.flatMap(({ name }) => (names.has(name) ? [] : name));
}

/** The numbers of the key's columns on the target, where it has all of them. */
function keyNumbers(schema: TableSchema, { columns }: RelationFacts): number[] | undefined {
  const byName = new Map(columns.map(({ name, attnum }) => [name, attnum]));
  const numbers = schema.key.map((ordinal) => byName.get((schema.columns[ordinal] as Column).name));
  return numbers.every((number) => number !== undefined) ? numbers : undefined;
}

/** The equality that an index on the type goes by. */
const operators = (oid: string, key: string): string => /* sql */ `
  with recursive walk (attnum, oid) as (
    select attnum, atttypid from pg_catalog.pg_attribute where attrelid = ${oid} and attnum = any(${key})
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

const constraints = (oid: string, key: string): string => /* sql */ `
    (${operators(oid, key)}) as operators,
    (select relkind = 'p' from pg_catalog.pg_class where oid = ${oid}) as "isPartitioned",
    exists (select from pg_catalog.pg_index i where i.indrelid = ${oid} and i.indisunique and i.indimmediate and i.indisvalid
      and i.indpred is null and i.indexprs is null and i.indnkeyatts = cardinality(${key})
      and (select array_agg(k.attnum order by k.attnum) from unnest(i.indkey::int2[]) with ordinality k (attnum, n)
           where k.n <= i.indnkeyatts)
        = (select array_agg(k order by k) from unnest(${key}) k)) as "hasUniqueKey",
    array(select distinct confrelid::int8::float8 from pg_catalog.pg_constraint
      where conrelid = ${oid} and contype = 'f') as parents,
    exists (select from pg_catalog.pg_constraint where confrelid = ${oid} and contype = 'f') as "isReferenced",
    exists (select from pg_catalog.pg_constraint where conrelid = ${oid} and contype = 'f'
      and (confdeltype in ('c', 'n', 'd') or confupdtype in ('c', 'n', 'd'))) as "hasActions"`;

const CONSTRAINTS = /* sql */ `select ${constraints('$1', '$2::int2[]')}`;

const CONSTRAINTS_OF_MANY = /* sql */ `
  select ${constraints('w.oid', 'w.key::int2[]')}
  from unnest($1::oid[], $2::text[]) with ordinality w (oid, key, n) order by w.n`;

const FIND_MANY = /* sql */ `
  select w.n::int, c.oid from unnest($1::text[], $2::text[]) with ordinality w (space, name, n)
  join pg_catalog.pg_namespace s on s.nspname = w.space
  join pg_catalog.pg_class c on c.relnamespace = s.oid and c.relname = w.name and c.relkind in ('r', 'p')`;
