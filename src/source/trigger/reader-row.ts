import type pg from 'pg';
import type { Position } from '../../change/position.ts';
import { postgresError } from '../../postgres/errors.ts';
import type { TriggerNames } from './names.ts';
import { parsePosition } from './position.ts';

/** How far the source has come, as the database knows; undefined: there is none. */
export async function storedPosition(client: pg.ClientBase, { reader }: TriggerNames): Promise<Position | undefined> {
  try {
    return (await client.query<{ position: string }>(/* sql */ `select position from ${reader}`)).rows[0]?.position;
  } catch (error) {
    throw postgresError(error, 'Cannot look up how far the captured events are consumed');
  }
}

/** Begins at this position, whatever was known before. */
export async function storePosition(
  client: pg.ClientBase,
  { reader }: TriggerNames,
  position: Position,
): Promise<void> {
  try {
    const sql = /* sql */ `insert into ${reader} (position) values ($1) on conflict (is_only) do update set position = excluded.position`;
    await client.query(sql, [position]);
  } catch (error) {
    throw postgresError(error, 'Cannot note where the capture begins');
  }
}

/** Nothing is known any more: the next start begins with a copy. */
export async function forgetReader(client: pg.ClientBase, { reader }: TriggerNames): Promise<void> {
  try {
    const isThere = (await client.query(/* sql */ `select where to_regclass($1) is not null`, [reader])).rowCount === 1;
    if (isThere) await client.query(/* sql */ `delete from ${reader}`);
  } catch (error) {
    throw postgresError(error, 'Cannot forget how far the captured events are consumed');
  }
}

/**
 * Forgets the events that the position covers, or keeps them for so many days; none above `lastId` is among them. They go with the note of it, or stay.
 */
export async function forget(
  client: pg.ClientBase,
  { events, reader, keep }: TriggerNames,
  position: Position,
  lastId: number | undefined,
  retentionDays: number,
): Promise<void> {
  const snapshot = parsePosition(position)?.snapshot;
  if (snapshot === undefined) return;
  try {
    if (retentionDays > 0) {
      const sql = /* sql */ `with kept as materialized (select ${keep}($1::pg_snapshot, $2, $4)) update ${reader} set position = $3 from kept`;
      await client.query(sql, [snapshot, lastId ?? Number.MAX_SAFE_INTEGER, position, retentionDays]);
      return;
    }
    await client.query(
      /* sql */ `with gone as (delete from ${events} where pg_visible_in_snapshot(xid, $1::pg_snapshot) and id <= $2)
        update ${reader} set position = $3`,
      [snapshot, lastId ?? Number.MAX_SAFE_INTEGER, position],
    );
  } catch (error) {
    throw postgresError(error, 'Cannot forget captured events');
  }
}
