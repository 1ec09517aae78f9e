import type pg from 'pg';
import type { SequenceColumn, SequenceState } from '../../../change/sequence-state.ts';
import { postgresError, sqlState } from '../../../postgres/errors.ts';
import { qualified } from '../../../postgres/identifier.ts';
import type { CaptureFilter } from '../../capture/filter.ts';

/** What of the sequences of a database is captured. */
export interface SequenceFilter {
  readonly tables: CaptureFilter;
  /** Whether `schema.sequence` is on the list of its own. */
  readonly isListed: (schema: string, name: string) => boolean;
}

/** What the sequences are at this moment, and those that the role may not read. */
export interface SequencesRead {
  readonly states: readonly SequenceState[];
  /** Qualified and quoted. */
  readonly unreadable: readonly string[];
}

/** Sequences whose states one statement reads: it has a branch for each. */
const AT_ONCE = 200;
/** One was dropped between two statements: looked up again. */
const UNDEFINED_TABLE = '42P01';
const ATTEMPTS = 3;

/**
 * Reads where the captured sequences stand: those of captured columns (identity, serial), those that a default of a captured table calls, and
 * those on the list. What sequences gave out for transactions that were committed before this is called lies at or below.
 */
export async function readSequences(client: pg.ClientBase, filter: SequenceFilter): Promise<SequencesRead> {
  for (let attempt = 1; ; attempt++) {
    try {
      const found = (await lookUp(client)).flatMap((each) => captured(each, filter));
      const readable = found.filter(({ isReadable }) => isReadable);
      const states: SequenceState[] = [];
      for (let at = 0; at < readable.length; at += AT_ONCE) {
        states.push(...(await statesOf(client, readable.slice(at, at + AT_ONCE))));
      }
      const unreadable = found.filter(({ isReadable }) => !isReadable);
      return { states, unreadable: unreadable.map(({ is }) => qualified(is.schema, is.name)) };
    } catch (error) {
      if (sqlState(error) === UNDEFINED_TABLE && attempt < ATTEMPTS) continue;
      throw postgresError(error, 'Cannot read the sequences of the source');
    }
  }
}

type Definition = Omit<SequenceState, 'lastValue' | 'isCalled'>;

interface Captured {
  readonly is: Definition;
  readonly isReadable: boolean;
}

interface Row extends Omit<Definition, 'columns'> {
  /** Columns whose values come from it; how is null where its next value is only a part of an expression. */
  readonly users: readonly (Omit<SequenceColumn, 'draws'> & { readonly draws: SequenceColumn['draws'] | null })[];
  readonly isReadable: boolean;
}

function captured({ users, isReadable, ...is }: Row, { tables, isListed }: SequenceFilter): Captured[] {
  const own = users.filter(
    ({ schema, table, column }) => tables.table(schema, table) && tables.column(schema, table, column),
  );
  if (own.length === 0 && !(tables.schema(is.schema) && isListed(is.schema, is.name))) return [];
  const columns = own.flatMap(({ draws, ...column }) => (draws === null ? [] : [{ ...column, draws }]));
  return [{ is: { ...is, columns }, isReadable }];
}

async function lookUp(client: pg.ClientBase): Promise<readonly Row[]> {
  return (await client.query<Row>(SEQUENCES)).rows;
}

async function statesOf(client: pg.ClientBase, sequences: readonly Captured[]): Promise<SequenceState[]> {
  const branches = sequences.map(
    ({ is }, n) =>
      /* sql */ `select ${n} as n, last_value::text as "lastValue", is_called as "isCalled" from ${qualified(is.schema, is.name)}`,
  );
  const { rows } = await client.query<{ n: number; lastValue: string; isCalled: boolean }>(
    branches.join(/* sql */ ` union all `),
  );
  return rows.map(({ n, lastValue, isCalled }) => ({ ...(sequences[n] as Captured).is, lastValue, isCalled }));
}

/** Permanent sequences with the columns that are identities of them, and those whose defaults call them. */
const SEQUENCES = /* sql */ `
  select n.nspname as schema, c.relname as name, format_type(s.seqtypid, null) as type, s.seqstart::text as start,
    s.seqincrement::text as increment, s.seqmin::text as min, s.seqmax::text as max, s.seqcache::text as cache, s.seqcycle as cycles,
    coalesce((select json_agg(json_build_object('schema', un.nspname, 'table', u.relname, 'column', a.attname, 'draws', case
          when a.attidentity <> '' then a.attidentity::text
          when pg_get_expr(d.expression, a.attrelid) = format('nextval(%L::regclass)', c.oid::regclass) then 'n' end,
        'isOwner', exists (select from pg_catalog.pg_depend o where o.classid = 'pg_catalog.pg_class'::regclass and o.objid = c.oid
          and o.refclassid = 'pg_catalog.pg_class'::regclass and o.refobjid = a.attrelid and o.refobjsubid = a.attnum and o.deptype = 'a'))
        order by un.nspname, u.relname, a.attnum)
      from (
        select i.refobjid as relation, i.refobjsubid as attnum, null::pg_node_tree as expression from pg_catalog.pg_depend i
        where i.classid = 'pg_catalog.pg_class'::regclass and i.objid = c.oid and i.refclassid = 'pg_catalog.pg_class'::regclass and i.deptype = 'i'
        union all
        select f.adrelid, f.adnum, f.adbin from pg_catalog.pg_depend x join pg_catalog.pg_attrdef f on f.oid = x.objid
        where x.classid = 'pg_catalog.pg_attrdef'::regclass and x.refclassid = 'pg_catalog.pg_class'::regclass and x.refobjid = c.oid) d
      join pg_catalog.pg_attribute a on a.attrelid = d.relation and a.attnum = d.attnum
      join pg_catalog.pg_class u on u.oid = d.relation
      join pg_catalog.pg_namespace un on un.oid = u.relnamespace), '[]') as users,
    has_sequence_privilege(c.oid, 'select') and has_schema_privilege(n.oid, 'usage') as "isReadable"
  from pg_catalog.pg_sequence s
  join pg_catalog.pg_class c on c.oid = s.seqrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relpersistence = 'p'
  order by n.nspname, c.relname`;
