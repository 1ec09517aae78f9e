import type pg from 'pg';
import { OperatorError } from '../../../errors.ts';
import { postgresError, sqlState } from '../../../postgres/errors.ts';
import type { CaptureFilter } from '../../capture/filter.ts';
import type { WalSourceSettings } from '../settings.ts';
import { readDdl } from './read-ddl.ts';
import { installSql, uninstallSql } from './install-sql.ts';

type Lists = Pick<WalSourceSettings, 'schemaInclude' | 'schemaExclude' | 'tableInclude' | 'tableExclude'>;

const INSUFFICIENT_PRIVILEGE = '42501';
const INVALID_REGULAR_EXPRESSION = '2201B';

/**
 * The id of `rowcast.ddl` when its rows can be believed (Invariant 11): event triggers, which only a superuser can create, write it, they
 * and the table have one owner, and nobody else may write to it. Undefined when DDL replication is not set up.
 */
export async function findDdlLog(client: pg.ClientBase): Promise<number | undefined> {
  try {
    return (await client.query<{ id: string }>(TRUSTED)).rows.map(({ id }) => Number(id))[0];
  } catch (error) {
    throw postgresError(error, 'Cannot look up rowcast.ddl');
  }
}

/** Whether DDL is replicated by this publication. */
export async function isDdlPublished(client: pg.ClientBase, publication: string): Promise<boolean> {
  if ((await findDdlLog(client)) === undefined) return false;
  try {
    const sql = /* sql */ `select from pg_catalog.pg_publication_tables where pubname = $1 and schemaname = 'rowcast' and tablename = 'ddl'`;
    return ((await client.query(sql, [publication])).rowCount ?? 0) > 0;
  } catch (error) {
    throw postgresError(error, `Cannot look up publication "${publication}"`);
  }
}

/** Id of the last row of `rowcast.ddl` that says something of what is captured; 0 when there is none. */
export async function lastFollowed(client: pg.ClientBase, filter: CaptureFilter): Promise<number> {
  for (let below = Number.MAX_SAFE_INTEGER; ; ) {
    const { rows } = await readBelow(client, below);
    const last = rows.find(
      (row) => readDdl({ ...row, id: Number(row.id), command: row.command ?? undefined }, filter).ddl !== undefined,
    );
    if (last !== undefined) return Number(last.id);
    if (rows.length < ROWS_AT_ONCE) return 0;
    below = Number(rows.at(-1)?.id);
  }
}

const ROWS_AT_ONCE = 100;

async function readBelow(client: pg.ClientBase, below: number): Promise<pg.QueryResult<StoredDdl>> {
  try {
    const sql = /* sql */ `select id::text, tag, command, body::text from rowcast.ddl where id < $1 order by id desc limit ${ROWS_AT_ONCE}`;
    return await client.query<StoredDdl>(sql, [below]);
  } catch (error) {
    throw postgresError(error, 'Cannot read rowcast.ddl');
  }
}

interface StoredDdl {
  readonly id: string;
  readonly tag: string;
  readonly command: string | null;
  readonly body: string;
}

/** Puts `rowcast.ddl` into the connector's own publication, and says which new tables join it as they are created. */
export async function publishDdl(client: pg.ClientBase, publication: string, lists: Lists): Promise<void> {
  const { schemaInclude, schemaExclude, tableInclude, tableExclude } = lists;
  const value = {
    schema: { include: schemaInclude, exclude: schemaExclude },
    table: { include: tableInclude, exclude: tableExclude },
  };
  try {
    await client.query(/* sql */ `select rowcast.publish_ddl($1, $2)`, [publication, JSON.stringify(value)]);
  } catch (error) {
    if (sqlState(error) !== INVALID_REGULAR_EXPRESSION) throw postgresError(error, 'Cannot publish rowcast.ddl');
    throw new OperatorError('A table or schema list holds an expression that Postgres cannot compile', {
      cause: error,
      advice:
        'New tables are recognised by Postgres itself when DDL is replicated: write the expression in the syntax that both know.',
    });
  }
}

/** Ids of tables that joined their publications as they were created: none of their rows is missing. */
export async function publishedSinceCreated(client: pg.ClientBase): Promise<number[]> {
  if ((await findDdlLog(client)) === undefined) return [];
  try {
    const { rows } = await client.query<{ id: string }>(/* sql */ `select rowcast.published_tables()::text as id`);
    return rows.map(({ id }) => Number(id));
  } catch (error) {
    throw postgresError(error, 'Cannot look up the tables that were published as they were created');
  }
}

/** Forgets which new tables a publication takes. */
export async function unpublishDdl(client: pg.ClientBase, publication: string): Promise<void> {
  if ((await findDdlLog(client)) === undefined) return;
  await client.query(/* sql */ `select rowcast.unpublish_ddl($1)`, [publication]);
}

/** Runs the script that sets DDL replication up. Throws OperatorError when the role may not. */
export async function installDdl(client: pg.ClientBase, roles: readonly string[]): Promise<void> {
  await run(client, installSql(roles), 'Cannot set up DDL replication');
}

/** Runs the script that takes it away. */
export async function uninstallDdl(client: pg.ClientBase): Promise<void> {
  await run(client, uninstallSql(), 'Cannot take away DDL replication');
}

async function run(client: pg.ClientBase, sql: string, doing: string): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    await client.query('rollback');
    if (sqlState(error) !== INSUFFICIENT_PRIVILEGE) throw postgresError(error, doing);
    throw new OperatorError(`${doing}: the role may not create event triggers`, {
      cause: error,
      advice: 'Run the SQL above as a superuser (on a managed Postgres: as the role that stands for it).',
    });
  }
}

const TRUSTED = /* sql */ `
  select c.oid::int8::text as id from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'rowcast' and c.relname = 'ddl' and c.relkind = 'r' and n.nspowner = c.relowner
    and (select count(*) from pg_catalog.pg_event_trigger e join pg_catalog.pg_proc p on p.oid = e.evtfoid
      where p.pronamespace = n.oid and p.proname = 'record_ddl' and e.evtname in ('rowcast_ddl', 'rowcast_ddl_drop')
        and p.proowner = c.relowner and e.evtowner = c.relowner) = 2
    and not exists (select from pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))) a
      where a.grantee <> c.relowner and a.privilege_type <> 'SELECT')
    and not exists (select from pg_catalog.pg_attribute b, pg_catalog.aclexplode(b.attacl) a
      where b.attrelid = c.oid and a.grantee <> c.relowner and a.privilege_type <> 'SELECT')`;
