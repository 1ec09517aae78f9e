import type pg from 'pg';
import { postgresError } from '../../postgres/errors.ts';
import type { Progress } from '../sink.ts';
import { progressOf } from './progress.ts';

/** Whose progress: the sink connector, and the `topic.prefix` that it replays. */
export interface ProgressKey {
  readonly name: string;
  readonly prefix: string;
}

/** A progress row as an operator sees it. */
export interface StoredProgress {
  readonly epoch: number;
  /** Undefined when nothing was applied yet. */
  readonly progress: Progress | undefined;
  /** When it was written last, milliseconds since 1970 by the target's clock. */
  readonly updatedAt: number;
}

/** Reads a sink's progress without claiming the target; undefined when it has none. */
export async function readStoredProgress(
  client: pg.ClientBase,
  { name, prefix }: ProgressKey,
): Promise<StoredProgress | undefined> {
  try {
    if (!(await exists(client, 'progress'))) return undefined;
    const { rows } = await client.query<ProgressRow>(
      /* sql */ `select epoch::text, checkpoint_offset::text as offset, state::text,
          (extract(epoch from updated_at) * 1000)::float8 as at
        from rowcast.progress where connector = $1 and prefix = $2`,
      [name, prefix],
    );
    const row = rows[0];
    return (
      row && {
        epoch: Number(row.epoch),
        progress: progressOf(name, row.offset, row.state),
        updatedAt: Math.round(row.at),
      }
    );
  } catch (error) {
    throw postgresError(error, `Cannot read the progress of connector "${name}"`);
  }
}

/**
 * Makes a sink forget what it has applied, so that it replays the log from its beginning; the epoch rises, so that one that runs is
 * fenced. What it knows of its tables stays: a copy empties those that it made. False when there was nothing to forget.
 */
export async function forgetProgress(client: pg.ClientBase, { name, prefix }: ProgressKey): Promise<boolean> {
  try {
    if (!(await exists(client, 'progress'))) return false;
    const { rowCount } = await client.query(
      /* sql */ `update rowcast.progress set epoch = epoch + 1, checkpoint_offset = null, state = null, updated_at = now()
        where connector = $1 and prefix = $2 and checkpoint_offset is not null`,
      [name, prefix],
    );
    return (rowCount ?? 0) > 0;
  } catch (error) {
    throw postgresError(error, `Cannot forget the progress of connector "${name}"`);
  }
}

/** What `dropProgress` removed. */
export interface DroppedProgress {
  readonly rows: number;
  /** Schema `rowcast` was left empty and is gone too. */
  readonly schema: boolean;
}

/** Removes everything that a sink keeps about itself in the target, and schema `rowcast` with the last sink. The replica's tables stay. */
export async function dropProgress(client: pg.ClientBase, { name, prefix }: ProgressKey): Promise<DroppedProgress> {
  try {
    await client.query('begin');
    const dropped = await drop(client, name, prefix);
    await client.query('commit');
    return dropped;
  } catch (error) {
    await client.query('rollback').catch(() => {}); // the first error is the one that tells
    throw postgresError(error, `Cannot remove the progress of connector "${name}"`);
  }
}

interface ProgressRow {
  readonly epoch: string;
  readonly offset: string | null;
  readonly state: string | null;
  readonly at: number;
}

const TABLES = ['progress', 'tables'] as const;

async function drop(client: pg.ClientBase, name: string, prefix: string): Promise<DroppedProgress> {
  // As whoever creates them: nobody makes a row in a table that is dropped at the same moment.
  await client.query(/* sql */ `select pg_advisory_xact_lock(hashtext('rowcast.progress'))`);
  let rows = 0;
  const present: string[] = [];
  for (const table of TABLES) {
    if (!(await exists(client, table))) continue;
    present.push(`rowcast.${table}`);
    const sql = /* sql */ `delete from rowcast.${table} where connector = $1 and prefix = $2`;
    rows += (await client.query(sql, [name, prefix])).rowCount ?? 0;
  }
  if (present.length === 0) return { rows, schema: false };
  await client.query(/* sql */ `lock table ${present.join(', ')} in access exclusive mode`);
  for (const table of present) {
    if ((await client.query(/* sql */ `select from ${table} limit 1`)).rows.length > 0) return { rows, schema: false };
  }
  await client.query(/* sql */ `drop table ${present.join(', ')}`);
  const others = /* sql */ `select from pg_catalog.pg_depend d join pg_catalog.pg_namespace n on n.oid = d.refobjid
    where d.refclassid = 'pg_catalog.pg_namespace'::regclass and n.nspname = 'rowcast' limit 1`;
  if ((await client.query(others)).rows.length > 0) return { rows, schema: false };
  await client.query(/* sql */ `drop schema rowcast`);
  return { rows, schema: true };
}

async function exists(client: pg.ClientBase, table: (typeof TABLES)[number]): Promise<boolean> {
  const sql = /* sql */ `select to_regclass($1) is not null as exists`;
  const { rows } = await client.query<{ exists: boolean }>(sql, [`rowcast.${table}`]);
  return rows[0]?.exists ?? false;
}
