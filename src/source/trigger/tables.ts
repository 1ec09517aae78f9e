import type pg from 'pg';
import { beyondDdl, postgresError } from '../../postgres/errors.ts';
import type { CaptureFilter } from '../capture/filter.ts';
import { type TriggerNames, triggerNames } from './names.ts';

/** A trigger as the catalog has it. */
export interface FoundTrigger {
  readonly oid: number;
  /** Changes with whatever is done to the trigger: it may not have fired in between. */
  readonly version: string;
  /** O fires but for sessions that replicate, A fires always, D and R do not fire. */
  readonly enabled: 'O' | 'A' | 'D' | 'R';
}

/** A table that the lists take in, or that has triggers of ours, and what it has of them. */
export interface FoundTable {
  readonly relationId: number;
  readonly schema: string;
  readonly name: string;
  readonly isPartitioned: boolean;
  /** The role may alter it. */
  readonly isOwned: boolean;
  readonly row: FoundTrigger | null;
  readonly truncate: FoundTrigger | null;
  readonly part: FoundTrigger | null;
  readonly leaves: readonly FoundLeaf[];
}

/** A partition that has rows. */
export interface FoundLeaf {
  readonly schema: string;
  readonly name: string;
  readonly row: FoundTrigger | null;
  readonly part: FoundTrigger | null;
}

/** Tables that can have rows captured; partitions come with the table above them. */
export interface TablesFound {
  /** Taken in by the lists. */
  readonly wanted: readonly FoundTable[];
  /** Not taken in, though they have triggers of ours. */
  readonly unwanted: readonly FoundTable[];
}

/** Looks up the tables and their triggers. */
export async function findTables(client: pg.ClientBase, name: string, filter: CaptureFilter): Promise<TablesFound> {
  const names = triggerNames(name);
  try {
    const parameters = [names.rowTrigger, names.truncateTrigger, names.partTrigger];
    const { rows } = await beyondDdl(() => client.query<{ tables: FoundTable[] }>(TABLES, parameters));
    const tables = rows[0]?.tables ?? [];
    const isWanted = ({ schema, name: table }: FoundTable): boolean => filter.table(schema, table);
    return {
      wanted: tables.filter(isWanted),
      unwanted: tables.filter((table) => !isWanted(table) && (table.row !== null || table.truncate !== null)),
    };
  } catch (error) {
    throw postgresError(error, 'Cannot look up the tables and their triggers');
  }
}

/** Why rows of the table are not captured, or not all of them; undefined when they are. */
export function missing(table: FoundTable): string | undefined {
  const { row, truncate, part, isPartitioned, leaves } = table;
  if (row === null) return 'it has no trigger';
  if (truncate === null || (isPartitioned && part === null)) return 'it has no trigger on TRUNCATE';
  if (![row, truncate, ...(part ? [part] : [])].every(fires)) return 'its trigger is disabled';
  const leaf = leaves.find((each) => each.row === null || !fires(each.row));
  if (leaf) return `the trigger of its partition ${leaf.schema}.${leaf.name} is disabled`;
  return undefined;
}

/** Partitions of which a truncation would not be seen. */
export function leavesWithout(table: FoundTable): readonly FoundLeaf[] {
  return table.leaves.filter(({ part }) => part === null || !fires(part));
}

/** False where sessions that replicate would go unseen. */
export function firesAlways({ row, truncate, part }: FoundTable): boolean {
  return [row, truncate, part].every((trigger) => trigger === null || trigger.enabled === 'A');
}

/** Names a table and its present triggers, below 2^53: others may have missed changes in between. */
export function captureId({ relationId, row, truncate, part }: FoundTable): number {
  const versions = [row, truncate, part].map((each) => (each ? each.oid + Number(each.version) : 0));
  return relationId * TRIGGER_IDS + (versions.reduce((sum, each) => sum + each) % TRIGGER_IDS);
}

/** The table that such an id names. */
export function capturedRelation(id: number): number {
  return Math.floor(id / TRIGGER_IDS);
}

const TRIGGER_IDS = 2 ** 21;

function fires({ enabled }: FoundTrigger): boolean {
  return enabled === 'A' || enabled === 'O';
}

/** SQL that looks one trigger of a relation up. */
const trigger = (relation: string, parameter: string): string => /* sql */ `(
  select json_build_object('oid', t.oid::int8, 'version', t.xmin::text, 'enabled', t.tgenabled)
  from pg_catalog.pg_trigger t where t.tgrelid = ${relation} and t.tgname = ${parameter})`;

const TABLES = /* sql */ `
  select coalesce(json_agg(json_build_object('relationId', c.oid::int8, 'schema', n.nspname, 'name', c.relname,
    'isPartitioned', c.relkind = 'p', 'isOwned', pg_has_role(c.relowner, 'usage'),
    'row', ${trigger('c.oid', '$1')}, 'truncate', ${trigger('c.oid', '$2')}, 'part', ${trigger('c.oid', '$3')},
    'leaves', case when c.relkind = 'p' then (
      select coalesce(json_agg(json_build_object('schema', ln.nspname, 'name', l.relname,
        'row', ${trigger('l.oid', '$1')}, 'part', ${trigger('l.oid', '$3')})), '[]')
      from pg_catalog.pg_partition_tree(c.oid) p join pg_catalog.pg_class l on l.oid = p.relid and l.relkind = 'r'
        join pg_catalog.pg_namespace ln on ln.oid = l.relnamespace where p.isleaf) else '[]' end)
    order by n.nspname, c.relname), '[]') as tables
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence = 'p'
    and n.nspname !~ '^(pg_|(information_schema|rowcast)$)'`;

/** What a look at the set-up of the triggers found. */
export interface SetUp {
  /** Id of the table of events: another one has missed what was written before it was made. */
  readonly events: number;
  /** It was set up in another database, which this one was restored or upgraded from: ids of tables mean nothing here. */
  readonly isStale: boolean;
  /** The role may install it again. */
  readonly isOwned: boolean;
}

/** Looks at the set-up; undefined when there is none. */
export async function findSetUp(client: pg.ClientBase, names: TriggerNames): Promise<SetUp | undefined> {
  try {
    const sql = /* sql */ `select c.oid::int8::float8 as events, pg_has_role(c.relowner, 'usage') as "isOwned",
        obj_description(c.oid, 'pg_class') is distinct from 'rowcast '
          || (select s.system_identifier from pg_catalog.pg_control_system() s) || '/' || c.oid as "isStale"
      from pg_catalog.pg_class c where c.oid = to_regclass($1) and to_regclass($2) is not null and to_regclass($3) is not null`;
    return (await client.query<SetUp>(sql, [names.events, names.shapes, names.reader])).rows[0];
  } catch (error) {
    throw postgresError(error, 'Cannot look up the table of captured events');
  }
}
