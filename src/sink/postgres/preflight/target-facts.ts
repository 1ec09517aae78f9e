import type pg from 'pg';
import type { TableSchema } from '../../../change/table-schema.ts';
import { lookUpRelation, type RelationFacts } from '../../../postgres/catalog.ts';
import { postgresError, sqlState } from '../../../postgres/errors.ts';
import { qualified } from '../../../postgres/identifier.ts';
import { applicationName } from '../session.ts';
import { type ResolvedSinkSettings, targetSchema } from '../settings.ts';

/** What is looked at of the target's server. */
export interface TargetServer {
  readonly version: number;
  readonly isStandby: boolean;
  readonly isSuperuser: boolean;
  readonly encoding: string;
  readonly mayCreate: boolean;
  /** Versions of the database's default collation: as its indexes were built, and as the system has it. */
  readonly collation: { readonly stored: string | null; readonly actual: string | null };
  /** This database in this run of its server. */
  readonly instance: string;
  /** Sessions of this connector that are open now. */
  readonly sessions: readonly number[];
  /** Schema `rowcast`; undefined values mean that it, or its table, is not there. */
  readonly progress: {
    readonly hasSchema: boolean;
    readonly mayUse: boolean;
    readonly mayCreate: boolean;
    readonly tables: readonly { readonly name: string; readonly lacks: readonly string[] }[];
  };
  readonly mayReplicaRole: boolean;
}

/** A table of the target that stands where a source table's rows are to go. */
export interface TargetTableFacts {
  readonly source: TableSchema;
  readonly schema: string;
  readonly name: string;
  readonly hasSchema: boolean;
  readonly mayCreateInSchema: boolean;
  readonly mayUseSchema: boolean;
  /** Undefined when there is nothing of this name. */
  readonly found:
    | {
        readonly kind: string;
        readonly isOwned: boolean;
        readonly lacks: readonly string[];
        readonly triggers: readonly string[];
        readonly alwaysTriggers: readonly string[];
        readonly foreignKeys: readonly string[];
        readonly hasUniqueKey: boolean;
        readonly facts: RelationFacts | undefined;
        /** Undefined when it may not be read. */
        readonly hasRows: boolean | undefined;
      }
    | undefined;
}

/** Reads what the role may do and what is there. Throws TransientError or OperatorError. */
export async function readTarget(client: pg.ClientBase, settings: ResolvedSinkSettings): Promise<TargetServer> {
  try {
    const { rows } = await client.query<{ facts: Basics }>(TARGET, [applicationName(settings)]);
    const { facts } = rows[0] as { facts: Basics };
    const collation = facts.version >= 150_000 ? await readCollation(client) : { stored: null, actual: null };
    return { ...facts, collation, mayReplicaRole: await mayReplicaRole(client) };
  } catch (error) {
    throw postgresError(error, 'Cannot look at the target');
  }
}

type Basics = Omit<TargetServer, 'mayReplicaRole' | 'collation'>;

/** Servers before version 15 keep no version of the database's collation. */
async function readCollation(client: pg.ClientBase): Promise<TargetServer['collation']> {
  const { rows } = await client.query<TargetServer['collation']>(
    /* sql */ `select datcollversion as stored, pg_database_collation_actual_version(oid) as actual
      from pg_catalog.pg_database where datname = current_database()`,
  );
  return rows[0] ?? { stored: null, actual: null };
}

/** Only trying tells on managed platforms; the session's own setting is nobody else's business. */
async function mayReplicaRole(client: pg.ClientBase): Promise<boolean> {
  try {
    await client.query(/* sql */ `set session_replication_role = replica`);
    await client.query(/* sql */ `set session_replication_role = origin`);
    return true;
  } catch (error) {
    if (sqlState(error) === '42501') return false;
    throw error;
  }
}

/** The connector's stored progress: whether there is any, and which source tables' rows are its own by now. */
export interface StoredProgress {
  readonly hasProgress: boolean;
  readonly owned: ReadonlySet<number>;
}

/** Reads progress; undefined where it may not be read. */
export async function readProgress(
  client: pg.ClientBase,
  settings: ResolvedSinkSettings,
): Promise<StoredProgress | undefined> {
  const key = [settings.name, settings.prefix];
  try {
    const progress = await client.query(
      /* sql */ `select from rowcast.progress where connector = $1 and prefix = $2 and checkpoint_offset is not null`,
      key,
    );
    const owned = await client.query<{ id: string }>(
      /* sql */ `select relation_id as id from rowcast.tables where connector = $1 and prefix = $2 and owned`,
      key,
    );
    return { hasProgress: progress.rows.length > 0, owned: new Set(owned.rows.map(({ id }) => Number(id))) };
  } catch (error) {
    const state = sqlState(error);
    if (state === '42P01' || state === '3F000') return { hasProgress: false, owned: new Set() }; // nothing was ever stored
    if (state === '42501') return undefined;
    throw postgresError(error, 'Cannot read the progress on the target');
  }
}

/** Looks up the targets of source tables. Throws TransientError or OperatorError. */
export async function readTargetTables(
  client: pg.ClientBase,
  settings: ResolvedSinkSettings,
  sources: readonly TableSchema[],
): Promise<readonly TargetTableFacts[]> {
  const tables: TargetTableFacts[] = [];
  try {
    for (const source of sources) tables.push(await readTargetTable(client, settings, source));
    return tables;
  } catch (error) {
    throw postgresError(error, 'Cannot look at the tables of the target');
  }
}

async function readTargetTable(
  client: pg.ClientBase,
  settings: ResolvedSinkSettings,
  source: TableSchema,
): Promise<TargetTableFacts> {
  const schema = targetSchema(settings, source.schema);
  const { name } = source;
  const key = source.key.map((ordinal) => source.columns[ordinal]?.name ?? '');
  const { rows } = await client.query<{ facts: RawTable }>(TABLE, [schema, name, key]);
  const { found, ...space } = (rows[0] as { facts: RawTable }).facts;
  if (found === null) return { source, schema, name, ...space, found: undefined };
  const facts = await lookUpRelation(client, found.id);
  const mayRead = space.mayUseSchema && !found.lacks.includes('select');
  const hasRows = mayRead && 'rp'.includes(found.kind) ? await isFilled(client, schema, name) : undefined;
  return { source, schema, name, ...space, found: { ...found, facts, hasRows } };
}

async function isFilled(client: pg.ClientBase, schema: string, name: string): Promise<boolean> {
  const { rows } = await client.query(/* sql */ `select from ${qualified(schema, name)} limit 1`);
  return rows.length > 0;
}

interface RawTable {
  readonly hasSchema: boolean;
  readonly mayCreateInSchema: boolean;
  readonly mayUseSchema: boolean;
  readonly found: (Omit<NonNullable<TargetTableFacts['found']>, 'facts' | 'hasRows'> & { readonly id: number }) | null;
}

/** Those of the privileges that the role lacks on a relation, as a JSON array. */
const lacks = (id: string, privileges: readonly string[]): string =>
  `(select coalesce(json_agg(p), '[]') from unnest(array[${privileges.map((p) => `'${p}'`).join(', ')}]) p
    where not has_table_privilege(${id}, p))`;

const TARGET = /* sql */ `
  select json_build_object(
    'version', current_setting('server_version_num')::int,
    'isStandby', pg_is_in_recovery(),
    'isSuperuser', (select rolsuper from pg_catalog.pg_roles where rolname = current_user),
    'encoding', pg_encoding_to_char(d.encoding),
    'mayCreate', has_database_privilege(current_database(), 'create'),
    'instance', pg_postmaster_start_time() || '/' || d.oid,
    'sessions', (select coalesce(json_agg(pid), '[]') from pg_catalog.pg_stat_activity
      where application_name = $1 and datname = current_database()),
    'progress', json_build_object(
      'hasSchema', to_regnamespace('rowcast') is not null,
      'mayUse', coalesce(has_schema_privilege(to_regnamespace('rowcast')::oid, 'usage'), false),
      'mayCreate', coalesce(has_schema_privilege(to_regnamespace('rowcast')::oid, 'create'), false),
      'tables', (select coalesce(json_agg(json_build_object('name', c.relname,
          'lacks', ${lacks('c.oid', ['select', 'insert', 'update', 'delete'])})), '[]')
        from pg_catalog.pg_class c where c.relnamespace = to_regnamespace('rowcast') and c.relname in ('progress', 'tables')))
  ) as facts
  from pg_catalog.pg_database d where d.datname = current_database()`;

const TABLE = /* sql */ `
  select json_build_object(
    'hasSchema', n.oid is not null,
    'mayCreateInSchema', coalesce(has_schema_privilege(n.oid, 'create'), false),
    'mayUseSchema', coalesce(has_schema_privilege(n.oid, 'usage'), false),
    'found', case when c.oid is not null then json_build_object('id', c.oid::int8, 'kind', c.relkind,
      'isOwned', pg_has_role(c.relowner, 'usage'),
      'lacks', ${lacks('c.oid', ['select', 'insert', 'update', 'delete', 'truncate'])},
      'triggers', (select coalesce(json_agg(t.tgname), '[]') from pg_catalog.pg_trigger t
        where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled = 'O'),
      'alwaysTriggers', (select coalesce(json_agg(t.tgname), '[]') from pg_catalog.pg_trigger t
        where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled in ('A', 'R')),
      'foreignKeys', (select coalesce(json_agg(f.conname), '[]') from pg_catalog.pg_constraint f
        where f.conrelid = c.oid and f.contype = 'f' and not f.condeferrable),
      'hasUniqueKey', exists (select from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisunique and i.indimmediate
        and i.indisvalid and i.indpred is null and i.indexprs is null and i.indnkeyatts = cardinality($3::text[])
        and (select array_agg(a.attname::text order by a.attname::text collate "C") from pg_catalog.pg_attribute a
            where a.attrelid = c.oid and a.attnum = any((i.indkey::int2[])[0:i.indnkeyatts - 1]))
          = (select array_agg(k order by k collate "C") from unnest($3::text[]) k))) end
  ) as facts
  from (values (1)) one
  left join pg_catalog.pg_namespace n on n.nspname = $1
  left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = $2`;
