import type pg from 'pg';
import { TransientError } from '../../errors.ts';
import { postgresError, sqlState } from '../../postgres/errors.ts';
import { qualified } from '../../postgres/identifier.ts';
import type { CaptureFilter } from '../capture/filter.ts';

/** A table to be locked; the rows of a partitioned one are those of its partitions. */
export interface LockedTable {
  readonly relationId: number;
  readonly schema: string;
  readonly name: string;
  readonly isPartitioned: boolean;
}

/**
 * Locks the tables to copy, so that they stay what they are until they are copied, inside the transaction that shows their rows.
 * Throws TransientError when one of them was rewritten, renamed or dropped since its snapshot: the snapshot does not show the rows of a
 * rewritten table, and the stream never sends them.
 */
export async function lockTables(
  client: pg.ClientBase,
  tables: readonly LockedTable[],
  filter: CaptureFilter,
): Promise<void> {
  try {
    if (tables.length > 0) await client.query(/* sql */ `lock table ${namesOf(tables)} in access share mode`);
    const ids = tables.map(({ relationId }) => relationId);
    const { rows } = await client.query<ChangedTable>(CHANGED, [ids]);
    const changed = rows.find(({ schema, name, copied }) => copied || filter.table(schema, name));
    if (changed) throw changedMeanwhile(`Table ${changed.schema}.${changed.name}`);
  } catch (error) {
    if (GONE.includes(sqlState(error) ?? '')) throw changedMeanwhile('A table', error);
    throw postgresError(error, 'Cannot lock the tables to copy');
  }
}

/**
 * Locks for another reader what the first one has locked. It must not wait: an ALTER TABLE that waits for the first one stands before it in the
 * queue, and the first one would wait for this one.
 */
export async function lockAlike(client: pg.ClientBase, tables: readonly LockedTable[]): Promise<void> {
  if (tables.length === 0) return;
  try {
    await client.query(/* sql */ `lock table ${namesOf(tables)} in access share mode nowait`);
  } catch (error) {
    if (sqlState(error) !== LOCK_NOT_AVAILABLE) throw postgresError(error, 'Cannot lock the tables to copy');
    throw new TransientError('A table is to be altered just as its copy begins: it is let through first', {
      cause: error,
    });
  }
}

const LOCK_NOT_AVAILABLE = '55P03';

function namesOf(tables: readonly LockedTable[]): string {
  return tables
    .map(({ schema, name, isPartitioned }) => `${isPartitioned ? '' : 'only '}${qualified(schema, name)}`)
    .join(', ');
}

/** SQLSTATEs of a table, schema or kind of table that is no more: undefined_table, invalid_schema_name, wrong_object_type. */
const GONE = ['42P01', '3F000', '42809'];

function changedMeanwhile(what: string, cause?: unknown): TransientError {
  return new TransientError(`${what} was rewritten, renamed or dropped while the copy began: it begins anew`, {
    cause,
  });
}

interface ChangedTable {
  readonly schema: string;
  readonly name: string;
  /** False for a table that nobody published any more when that was looked up: the filter tells whether it was to be copied. */
  readonly copied: boolean;
}

/** Queries of the catalog tell what the snapshot shows, the catalog's functions what is there now. */
const CHANGED = /* sql */ `
  with recursive seen (id) as (
      select unnest($1::oid[])
      union
      select i.inhrelid from seen join pg_catalog.pg_class p on p.oid = seen.id and p.relkind = 'p'
        join pg_catalog.pg_inherits i on i.inhparent = p.oid),
    present (id) as (select t.relid from unnest($1::oid[]) root, pg_catalog.pg_partition_tree(root) t)
  select n.nspname as schema, c.relname as name, seen.id is not null as copied
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace left join seen on seen.id = c.oid
  where c.relkind in ('r', 'p') and c.relpersistence = 'p' and case
    when seen.id is null then pg_catalog.pg_table_is_visible(c.oid) is null
    when nullif(c.relfilenode, 0) is distinct from pg_catalog.pg_relation_filenode(c.oid) then true
    when c.oid = any($1::oid[])
      then pg_catalog.to_regclass(format('%I.%I', n.nspname, c.relname))::oid is distinct from c.oid
    else not exists (select from present where present.id = c.oid) end`;
