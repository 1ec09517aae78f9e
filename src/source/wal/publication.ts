import type pg from 'pg';
import { OperatorError, PositionLostError } from '../../errors.ts';
import { postgresError, sqlState } from '../../postgres/errors.ts';
import { qualified, quoteIdentifier } from '../../postgres/identifier.ts';
import { findDdlLog, publishDdl, unpublishDdl } from './ddl/ddl-log.ts';
import type { CaptureFilter } from '../capture/filter.ts';
import type { WalSourceSettings } from './settings.ts';
import { publishSignals, signalClause } from './signals/publish-signals.ts';
import { failPoint } from '../../failpoint.ts';

/** A table that is busy for longer is looked at again at the next start. */
const LOCK_TIMEOUT_MS = 2_000;
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * What becomes of tables that are captured but not yet published: 'copied' when a copy follows, else a table that has rows is
 * left out and told of, because nobody would ever copy them (Invariant 7).
 */
export type LateTables =
  | 'copied'
  | {
      readonly leftOut: (table: string) => void;
      /** Takes in the tables that have rows as well, and hears of them: each as SQL names it. */
      readonly takenIn: ((table: string) => void) | undefined;
    };

type Settings = Pick<
  WalSourceSettings,
  | 'publicationName'
  | 'publicationAutocreateMode'
  | 'schemaInclude'
  | 'schemaExclude'
  | 'tableInclude'
  | 'tableExclude'
  | 'signalTable'
>;

/** The log of DDL, which is published beside the captured tables. */
const DDL_LOG = 'only "rowcast"."ddl"';

/**
 * Makes the publication what the settings say; before the slot is created, because the stream looks it up as of every change.
 * A partitioned table is published as one table. Throws OperatorError when it is missing and not ours to make.
 */
export async function ensurePublication(
  client: pg.ClientBase,
  settings: Settings,
  filter: CaptureFilter,
  late: LateTables,
): Promise<void> {
  const { publicationName: name, publicationAutocreateMode: mode } = settings;
  try {
    const sql = /* sql */ `select puballtables from pg_catalog.pg_publication where pubname = $1`;
    const present = (await client.query<{ puballtables: boolean }>(sql, [name])).rows[0];
    if (!present) {
      await create(client, name, mode, filter);
    } else if (mode === 'filtered') {
      if (present.puballtables) throw notFiltered(name);
      await setTables(client, settings, filter, late);
    }
    await publishSignals(client, settings, filter);
    if (mode === 'filtered' && (await findDdlLog(client)) !== undefined) await publishDdl(client, name, settings);
  } catch (error) {
    throw postgresError(error, `Cannot prepare publication "${name}"`);
  }
}

/** The publication's id, which a new one of the same name does not get; empty when there is none. */
export async function publicationId(client: pg.ClientBase, name: string): Promise<string> {
  try {
    const sql = /* sql */ `select oid::text as id from pg_catalog.pg_publication where pubname = $1`;
    return (await client.query<{ id: string }>(sql, [name])).rows[0]?.id ?? '';
  } catch (error) {
    throw postgresError(error, `Cannot look up publication "${name}"`);
  }
}

/** What is said of a publication that is not the one that the log was begun with. */
export function otherPublication(name: string): PositionLostError {
  return new PositionLostError(
    `Publication "${name}" was dropped: what was written until it was created again is lost`,
    {
      advice: 'Make a new replica by a snapshot: start again under a new topic.prefix and slot.name.',
    },
  );
}

/** What became of a publication that was to be dropped; `kept` says why it was not. */
export type DroppedPublication =
  | { readonly kind: 'dropped' | 'absent' }
  | { readonly kind: 'kept'; readonly why: string };

/**
 * Drops the publication when it is one that `filtered` makes: with exactly the captured tables. Any other may be somebody else's.
 */
export async function dropPublication(
  client: pg.ClientBase,
  settings: Settings,
  filter: CaptureFilter,
): Promise<DroppedPublication> {
  const { publicationName: name, publicationAutocreateMode: mode } = settings;
  try {
    const sql = /* sql */ `select puballtables from pg_catalog.pg_publication where pubname = $1`;
    const present = (await client.query<{ puballtables: boolean }>(sql, [name])).rows[0];
    if (!present) return { kind: 'absent' };
    if (mode !== 'filtered') {
      return { kind: 'kept', why: `publication.autocreate.mode is ${mode}, so somebody else may have made it` };
    }
    const [listed, wanted] = [await listedTables(client, settings, filter), await capturable(client, filter)];
    const isOurs = !present.puballtables && listed.length === wanted.length && listed.every((t) => wanted.includes(t));
    if (!isOurs) return { kind: 'kept', why: 'it has other tables than this connector captures' };
    await unpublishDdl(client, name);
    await client.query(/* sql */ `drop publication ${quoteIdentifier(name)}`);
    return { kind: 'dropped' };
  } catch (error) {
    throw postgresError(error, `Cannot drop publication "${name}"`);
  }
}

async function create(
  client: pg.ClientBase,
  name: string,
  mode: Settings['publicationAutocreateMode'],
  filter: CaptureFilter,
): Promise<void> {
  if (mode === 'disabled') {
    throw new OperatorError(`Publication "${name}" does not exist`, {
      advice: `Create it, or set publication.autocreate.mode to filtered.`,
    });
  }
  const options = await publishOptions(client);
  const head = `create publication ${quoteIdentifier(name)}`;
  if (mode === 'all_tables') await client.query(`${head} for all tables with (${options})`);
  else {
    const tables = mode === 'filtered' ? await capturable(client, filter) : [];
    await client.query(`${head}${tables.length > 0 ? ` for table ${tables.join(', ')}` : ''} with (${options})`);
  }
  failPoint('source.publication-made');
}

/** Changes the tables only when they differ: every change of a publication makes all streams look it up again. */
async function setTables(
  client: pg.ClientBase,
  settings: Settings,
  filter: CaptureFilter,
  late: LateTables,
): Promise<void> {
  const { publicationName: name } = settings;
  const wanted = await capturable(client, filter);
  const present = await listedTables(client, settings, filter);
  const missing = wanted.filter((table) => !present.includes(table));
  const surplus = present.filter((table) => !wanted.includes(table));
  const head = `alter publication ${quoteIdentifier(name)}`;
  if (late !== 'copied') for (const table of missing) await addLate(client, head, table, late);
  else if (missing.length > 0) await client.query(`${head} add table ${missing.join(', ')}`);
  if (surplus.length > 0) await client.query(`${head} drop table ${surplus.join(', ')}`);
}

/** The tables that the publication names, without those that are in it for their own sake. */
async function listedTables(client: pg.ClientBase, settings: Settings, filter: CaptureFilter): Promise<string[]> {
  const sql = /* sql */ `select n.nspname, c.relname, c.relkind from pg_catalog.pg_publication p
    join pg_catalog.pg_publication_rel r on r.prpubid = p.oid join pg_catalog.pg_class c on c.oid = r.prrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace where p.pubname = $1`;
  const others = [DDL_LOG, signalClause(settings, filter)];
  const { rows } = await client.query<TableRow>(sql, [settings.publicationName]);
  return rows.map(tableClause).filter((table) => !others.includes(table));
}

/** Adds a table while nobody can write to it, if it has no row; one that has some, or is busy, only if it is copied. */
async function addLate(
  client: pg.ClientBase,
  head: string,
  table: string,
  late: Exclude<LateTables, 'copied'>,
): Promise<void> {
  await client.query('begin');
  try {
    await client.query(/* sql */ `set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
    await client.query(/* sql */ `lock table ${table} in share mode`);
    const { rows } = await client.query(/* sql */ `select from ${table} limit 1`);
    if (rows.length === 0 || late.takenIn) await client.query(`${head} add table ${table}`);
    await client.query('commit');
    if (rows.length > 0) (late.takenIn ?? late.leftOut)(table);
  } catch (error) {
    await client.query('rollback');
    if (sqlState(error) !== LOCK_NOT_AVAILABLE) throw error;
    if (late.takenIn) await addBusy(client, head, table, late);
    else late.leftOut(table);
  }
}

/** Writers are not waited for: the copy does that. */
async function addBusy(
  client: pg.ClientBase,
  head: string,
  table: string,
  late: Exclude<LateTables, 'copied'>,
): Promise<void> {
  try {
    await client.query(/* sql */ `set lock_timeout = ${LOCK_TIMEOUT_MS}; ${head} add table ${table}`);
    late.takenIn?.(table);
  } catch (error) {
    if (sqlState(error) !== LOCK_NOT_AVAILABLE) throw error;
    late.leftOut(table);
  } finally {
    await client.query(/* sql */ `set lock_timeout = 0`);
  }
}

interface TableRow {
  readonly nspname: string;
  readonly relname: string;
  readonly relkind: string;
}

async function capturable(client: pg.ClientBase, filter: CaptureFilter): Promise<string[]> {
  const sql = /* sql */ `select n.nspname, c.relname, c.relkind from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence = 'p' order by 1, 2`;
  const { rows } = await client.query<TableRow>(sql);
  return rows.filter(({ nspname, relname }) => filter.table(nspname, relname)).map(tableClause);
}

/** Tables that inherit from a table are captured by their own names only. */
function tableClause({ nspname, relname, relkind }: TableRow): string {
  return `${relkind === 'p' ? '' : 'only '}${qualified(nspname, relname)}`;
}

async function publishOptions(client: pg.ClientBase): Promise<string> {
  const result = await client.query<{ version: number }>(
    /* sql */ `select current_setting('server_version_num')::int as version`,
  );
  const generated = (result.rows[0]?.version ?? 0) >= 180_000 ? ', publish_generated_columns = stored' : '';
  return `publish_via_partition_root = true${generated}`;
}

function notFiltered(name: string): OperatorError {
  return new OperatorError(`Publication "${name}" is for all tables, but publication.autocreate.mode is filtered`, {
    advice: 'Set the mode to all_tables or disabled, or set another publication.name.',
  });
}
